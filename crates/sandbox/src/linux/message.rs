//! What the child tells the parent, in 40 bytes: a step that failed, what a probe found, or how the
//! program ended.
//!
//! The program itself never holds the file that these go through: it is closed when it starts.

use libc::c_int;

use crate::layer::{Layer, Layers};

pub(super) const LENGTH: usize = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    /// Building a layer failed; nothing was started.
    Failed {
        layer: Option<Layer>,
        step: Step,
        errno: c_int,
    },
    /// Layers that a probe found to hold.
    Found(Layers),
    Ended {
        status: c_int,
        cpu_microseconds: u64,
        peak_bytes: u64,
        /// Bytes of the collected file, which follow; or that there is none.
        collected: Option<u64>,
    },
}

/// What the child was doing when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Step {
    CloseFiles,
    BecomeUser,
    PrivateMounts,
    CopyTree,
    NewRoot,
    PutFile,
    AttachTree,
    HideFolder,
    Scratch,
    EnterRoot,
    HostName,
    DropCapabilities,
    NoNewPrivileges,
    SetLimit,
    Filter,
    Fork,
    Redirect,
    Start,
}

const STEPS: [(Step, &str); 18] = [
    (Step::CloseFiles, "closing inherited files"),
    (Step::BecomeUser, "becoming a user without rights"),
    (Step::PrivateMounts, "making mounts private"),
    (Step::CopyTree, "copying what is to be shown"),
    (Step::NewRoot, "making a root in memory"),
    (Step::PutFile, "putting a file into the new root"),
    (Step::AttachTree, "attaching what is to be shown"),
    (Step::HideFolder, "hiding a folder"),
    (Step::Scratch, "making the scratch folder"),
    (Step::EnterRoot, "entering the new root"),
    (Step::HostName, "naming the host"),
    (Step::DropCapabilities, "dropping capabilities"),
    (Step::NoNewPrivileges, "giving up new privileges"),
    (Step::SetLimit, "setting a limit"),
    (Step::Filter, "installing the system call filter"),
    (Step::Fork, "splitting off the program"),
    (Step::Redirect, "redirecting input and output"),
    (Step::Start, "starting the program"),
];

impl Step {
    pub(super) fn words(self) -> &'static str {
        STEPS
            .iter()
            .find(|(step, _)| *step == self)
            .map_or("", |(_, words)| words)
    }
}

const FAILED: u64 = 1;
const FOUND: u64 = 2;
const ENDED: u64 = 3;
const NONE: u64 = u64::MAX;

impl Message {
    pub(super) fn to_bytes(self) -> [u8; LENGTH] {
        let words: [u64; 5] = match self {
            Message::Failed { layer, step, errno } => {
                let layer = layer.map_or(NONE, |layer| layer as u64);
                [FAILED, layer, step as u64, errno as u64, 0]
            }
            Message::Found(layers) => {
                let bits = layers
                    .iter()
                    .fold(0, |bits, layer| bits | 1 << layer as u64);
                [FOUND, bits, 0, 0, 0]
            }
            Message::Ended {
                status,
                cpu_microseconds,
                peak_bytes,
                collected,
            } => {
                let collected = collected.unwrap_or(NONE);
                [
                    ENDED,
                    status as u64,
                    cpu_microseconds,
                    peak_bytes,
                    collected,
                ]
            }
        };
        let mut bytes = [0; LENGTH];
        for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Message> {
        let mut words = [0u64; 5];
        for (word, place) in words.iter_mut().zip(bytes.get(..LENGTH)?.chunks_exact(8)) {
            *word = u64::from_le_bytes(place.try_into().ok()?);
        }
        match words[0] {
            FAILED => Some(Message::Failed {
                layer: Layer::ALL.get(usize::try_from(words[1]).ok()?).copied(),
                step: STEPS.get(usize::try_from(words[2]).ok()?)?.0,
                errno: words[3] as c_int,
            }),
            FOUND => {
                let has = |layer: &Layer| words[1] & (1 << *layer as u64) != 0;
                let found: Vec<Layer> = Layer::ALL.into_iter().filter(has).collect();
                Some(Message::Found(Layers::of(&found)))
            }
            ENDED => Some(Message::Ended {
                status: words[1] as c_int,
                cpu_microseconds: words[2],
                peak_bytes: words[3],
                collected: (words[4] != NONE).then_some(words[4]),
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_back_as_they_went() {
        let messages = [
            Message::Failed {
                layer: Some(Layer::Limits),
                step: Step::SetLimit,
                errno: libc::EPERM,
            },
            Message::Failed {
                layer: None,
                step: Step::Start,
                errno: libc::ENOENT,
            },
            Message::Found(Layers::of(&[Layer::User, Layer::Limits])),
            Message::Ended {
                status: 9,
                cpu_microseconds: 7,
                peak_bytes: 1 << 40,
                collected: Some(3),
            },
        ];
        for message in messages {
            assert_eq!(Message::from_bytes(&message.to_bytes()), Some(message));
        }
        assert_eq!(Message::from_bytes(&[9; LENGTH]), None);
        for (place, (step, _)) in STEPS.iter().enumerate() {
            assert_eq!(*step as usize, place);
        }
    }
}
