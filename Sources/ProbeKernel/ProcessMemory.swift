// Keeps the process's memory small: one malloc arena, and freed memory given back.
// The agent calls it at its start and after it loaded programs, which parses the kernel's BTF (about 10 MB, freed afterwards).
// It never limits memory.
import CBPF

public enum ProcessMemory {
    /// Lets all threads share one malloc arena; to be called before the first thread starts. Each further arena would keep freed memory of its own.
    public static func useOneArena() { _ = sonde_use_one_arena() }

    /// Returns freed memory to the kernel.
    public static func giveBackFreed() { _ = sonde_trim_memory() }
}
