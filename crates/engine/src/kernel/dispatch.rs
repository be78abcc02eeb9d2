//! One source, several instruction sets: a loop in plain Rust, compiled once for each of them.
//!
//! The loops multiply and add without fusing the two, so every instruction set gives the same bits.

/// Defines `fn name(isa: Isa, ..)` whose body is compiled for every instruction set and chosen at
/// run time. The body must be free of branches on numbers, so that it becomes vector code.
macro_rules! on_isa {
    ($(
        $(#[$doc:meta])*
        pub fn $name:ident $(<$kind:ident: $bound:path>)? ($($arg:ident: $type:ty),* $(,)?)
        $(-> $out:ty)? $body:block
    )*) => {$(
        $(#[$doc])*
        pub fn $name $(<$kind: $bound>)? (isa: $crate::kernel::Isa, $($arg: $type),*) $(-> $out)? {
            #[inline(always)]
            fn plain $(<$kind: $bound>)? ($($arg: $type),*) $(-> $out)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn avx2 $(<$kind: $bound>)? ($($arg: $type),*) $(-> $out)? {
                plain $(::<$kind>)? ($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
            fn avx512 $(<$kind: $bound>)? ($($arg: $type),*) $(-> $out)? {
                plain $(::<$kind>)? ($($arg),*)
            }

            match isa {
                // SAFETY: an `Isa` is only in use where `Isa::is_available` found its features.
                #[cfg(target_arch = "x86_64")]
                $crate::kernel::Isa::Avx2 => unsafe { avx2 $(::<$kind>)? ($($arg),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                $crate::kernel::Isa::Avx512 | $crate::kernel::Isa::Amx => unsafe { avx512 $(::<$kind>)? ($($arg),*) },
                _ => plain $(::<$kind>)? ($($arg),*),
            }
        }
    )*};
}

pub(crate) use on_isa;
