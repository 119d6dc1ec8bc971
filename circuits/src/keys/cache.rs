use super::Key;
use crate::{CircuitsError, statement::Statement};

/// The development key of a statement.
pub fn load_or_setup_development<S: Statement + Clone>(statement: &S) -> Result<Key<S>, CircuitsError> {
    Key::development(statement.clone())
}
