/// The error for a value that breaks a rule of a leaf format or of a claim. It never contains the
/// value, because most of these values are private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct InvalidValue {
    /// The name of the field.
    pub field: &'static str,
    /// The rule that the value breaks.
    pub rule: &'static str,
}
