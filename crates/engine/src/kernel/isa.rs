//! Which instruction set the kernels use: the best one that this machine has, or the one that
//! `SKILLBELT_KERNEL` names.

use std::sync::OnceLock;

/// Name of the environment variable that overrides the choice.
pub const KERNEL_VARIABLE: &str = "SKILLBELT_KERNEL";

/// An instruction set that the kernels are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// Plain Rust; runs anywhere.
    Portable,
    /// 128-bit vectors of aarch64.
    Neon,
    /// 256-bit vectors with fused multiply-add.
    Avx2,
    /// 512-bit vectors, with the 8-bit dot products of VNNI.
    Avx512,
    /// The same, and matrix tiles (AMX) for products of bytes.
    Amx,
}

impl Isa {
    /// Every instruction set, from the plainest to the fastest.
    pub const ALL: [Isa; 5] = [Isa::Portable, Isa::Neon, Isa::Avx2, Isa::Avx512, Isa::Amx];

    /// The word used in `SKILLBELT_KERNEL` and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            Isa::Neon => "neon",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Amx => "amx",
        }
    }

    /// Whether this machine can run it.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Portable => true,
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("fma")
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                Isa::Avx2.is_available()
                    && std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512bw")
                    && std::arch::is_x86_feature_detected!("avx512dq")
                    && std::arch::is_x86_feature_detected!("avx512vl")
                    && std::arch::is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Amx => Isa::Avx512.is_available() && super::amx::is_available(),
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// Itself where this machine can run it, and plain Rust otherwise: kernels must not be entered on
    /// a promise.
    pub fn or_portable(self) -> Isa {
        if self.is_available() {
            self
        } else {
            Isa::Portable
        }
    }

    /// The one to take where a text is written token by token: with so few rows, preparing a weight
    /// for tiles costs more than the tiles save.
    pub fn for_few_rows(self) -> Isa {
        match self {
            Isa::Amx => Isa::Avx512,
            other => other,
        }
    }

    /// Those that this machine can run, from the plainest to the fastest.
    pub fn available() -> Vec<Isa> {
        Isa::ALL
            .into_iter()
            .filter(|isa| isa.is_available())
            .collect()
    }

    /// The instruction set in use, chosen once: what `SKILLBELT_KERNEL` names if this machine has
    /// it, and the fastest otherwise. `check_choice` tells a user of a name that was not honoured.
    pub fn chosen() -> Isa {
        static CHOSEN: OnceLock<Isa> = OnceLock::new();
        *CHOSEN.get_or_init(|| Isa::check_choice().unwrap_or_else(|_| Isa::best()))
    }

    /// What `SKILLBELT_KERNEL` asks for, or a message that says why it cannot be had.
    pub fn check_choice() -> Result<Isa, String> {
        let Some(wish) = std::env::var_os(KERNEL_VARIABLE) else {
            return Ok(Isa::best());
        };
        let wish = wish.to_string_lossy().to_lowercase();
        let names = || {
            Isa::available()
                .iter()
                .map(|isa| isa.name())
                .collect::<Vec<_>>()
                .join(", ")
        };
        match Isa::ALL.into_iter().find(|isa| isa.name() == wish) {
            Some(isa) if isa.is_available() => Ok(isa),
            _ => Err(format!(
                "{KERNEL_VARIABLE}={wish}: this machine has {}",
                names()
            )),
        }
    }

    fn best() -> Isa {
        Isa::ALL
            .into_iter()
            .rfind(|isa| isa.is_available())
            .unwrap_or(Isa::Portable)
    }
}
