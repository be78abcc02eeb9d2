//! One body, compiled once for each instruction set: for element-wise loops that the compiler
//! turns into vectors by itself.
//!
//! It is not for products: those are written by hand for each instruction set. A body must be plain
//! arithmetic (`a * b + c` stays two roundings everywhere), so that every instruction set gives
//! the same bits.

/// Defines `fn name(isa, arguments..)` whose body is compiled for every instruction set that needs
/// to be asked for; the function may have one type parameter. What the body calls must be
/// `#[inline(always)]` to be compiled along with it.
macro_rules! every_isa {
    (
        $(#[$about:meta])*
        $vis:vis fn $name:ident $(<$kind:ident: $bound:path>)? ($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    ) => {
        $(#[$about])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name $(<$kind: $bound>)? (isa: $crate::kernel::Isa, $($argument: $type),*) $(-> $result)? {
            #[inline(always)]
            fn plain $(<$kind: $bound>)? ($($argument: $type),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            fn avx512 $(<$kind: $bound>)? ($($argument: $type),*) $(-> $result)? {
                plain $(::<$kind>)? ($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2 $(<$kind: $bound>)? ($($argument: $type),*) $(-> $result)? {
                plain $(::<$kind>)? ($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            match isa {
                // SAFETY: the features that the function is compiled for were just found.
                $crate::kernel::Isa::Avx512 | $crate::kernel::Isa::Amx if isa.is_available() => unsafe {
                    avx512 $(::<$kind>)? ($($argument),*)
                },
                // SAFETY: the features that the function is compiled for were just found.
                $crate::kernel::Isa::Avx2 if isa.is_available() => unsafe {
                    avx2 $(::<$kind>)? ($($argument),*)
                },
                _ => plain $(::<$kind>)? ($($argument),*),
            }
            #[cfg(not(target_arch = "x86_64"))]
            {
                let _ = isa;
                plain $(::<$kind>)? ($($argument),*)
            }
        }
    };
}

pub(crate) use every_isa;
