// Names of the kernel's error numbers (include/uapi/asm-generic/errno-base.h and errno.h), the same on x86-64 and arm64.
// Used for `error.type` and for the reasons that the loader gives.
// Never a message: a name is what people look up.

/// The kernel's error numbers by name.
public enum ErrorNames {
    /// `ECONNREFUSED` for 111; nil for a number that has no name.
    public static func name(of number: UInt32) -> String? { names[number] }

    private static let names: [UInt32: String] = runs.reduce(into: [:]) { names, run in
        for (index, name) in run.names.split(whereSeparator: \.isWhitespace).enumerated() {
            names[run.first + UInt32(index)] = String(name)
        }
    }

    private static let runs: [(first: UInt32, names: String)] = [
        (
            1,
            """
            EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR
            EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP
            """
        ),
        (
            42,
            """
            ENOMSG EIDRM ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC EBADSLT
            """
        ),
        (
            59,
            """
            EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD
            EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT
            EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED
            ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN
            ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EKEYREJECTED EOWNERDEAD
            ENOTRECOVERABLE ERFKILL EHWPOISON
            """
        ),
        // include/linux/errno.h: inside of the kernel only, seen when libbpf meets a kernel that lacks something.
        (524, "ENOTSUPP"),
    ]
}
