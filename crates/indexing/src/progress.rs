//! The progress of a rebuild or an import, for progress bars.

/// What a rebuild or an import does at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It reads the lists of transactions.
    Listing,
    /// It applies the listed transactions.
    Applying,
    /// It follows the chain to the newest slot.
    Following,
    /// It compares the rows with the accounts, in parts.
    Comparing,
    /// It replaces the rows. Writers wait.
    SwitchingOver,
}

/// How far a rebuild or an import is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// What it does.
    pub stage: Stage,
    /// How much of the stage is done: transactions, slots or parts.
    pub done: u64,
    /// How much the stage has in total. `None` if that is not known.
    pub all: Option<u64>,
}

/// Receives the progress.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress) + Send);
