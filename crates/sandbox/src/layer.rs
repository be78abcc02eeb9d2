//! The layers that stand between a program and the machine, by name.
//!
//! It builds none of them; `linux/` does, and checks that each is really there.

use std::fmt;

/// One thing that an attack has to get through. The order is that of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// A user namespace, and in it a user that owns nothing on the machine.
    User,
    /// A process namespace: it sees and signals nothing else, and all of it ends with its first.
    Processes,
    /// A file tree of its own, read-only but for a small scratch folder in memory.
    Files,
    /// A network namespace without a single usable interface.
    Network,
    /// Its own System V and POSIX message queues, semaphores and shared memory.
    Ipc,
    /// Its own host name.
    HostName,
    /// Its own view of the control groups.
    ControlGroups,
    /// No capability, now or after starting another program; no privileges gained from files.
    Capabilities,
    /// A list of allowed system calls; what escapes are made of ends the program at once.
    SystemCalls,
    /// Bounds on memory, CPU time, processes, open files and file size.
    Limits,
}

impl Layer {
    pub const ALL: [Layer; 10] = [
        Layer::User,
        Layer::Processes,
        Layer::Files,
        Layer::Network,
        Layer::Ipc,
        Layer::HostName,
        Layer::ControlGroups,
        Layer::Capabilities,
        Layer::SystemCalls,
        Layer::Limits,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Layer::User => "user namespace",
            Layer::Processes => "process namespace",
            Layer::Files => "file tree of its own",
            Layer::Network => "network namespace",
            Layer::Ipc => "IPC namespace",
            Layer::HostName => "host name namespace",
            Layer::ControlGroups => "control group namespace",
            Layer::Capabilities => "dropped capabilities",
            Layer::SystemCalls => "system call filter",
            Layer::Limits => "resource limits",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layers(u16);

impl Layers {
    pub const NONE: Layers = Layers(0);

    pub fn all() -> Layers {
        Layers::of(&Layer::ALL)
    }

    pub fn of(layers: &[Layer]) -> Layers {
        Layers(layers.iter().fold(0, |bits, layer| bits | layer.bit()))
    }

    #[must_use]
    pub const fn with(self, layer: Layer) -> Layers {
        Layers(self.0 | layer.bit())
    }

    #[must_use]
    pub const fn without(self, layer: Layer) -> Layers {
        Layers(self.0 & !layer.bit())
    }

    pub const fn has(self, layer: Layer) -> bool {
        self.0 & layer.bit() != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Layer> {
        Layer::ALL.into_iter().filter(move |layer| self.has(*layer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_layers_holds_what_was_put_in_and_nothing_else() {
        for layer in Layer::ALL {
            assert!(Layers::all().has(layer));
            assert!(!Layers::all().without(layer).has(layer));
            assert_eq!(Layers::NONE.with(layer).iter().collect::<Vec<_>>(), [layer]);
        }
    }
}
