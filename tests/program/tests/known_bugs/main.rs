//! Bugs that programs of this class had, each by the name of what must not happen.
//! Others are in the files of their subject: what `verify` refuses, roots, tokens, substituted accounts, the model.

mod authority;
mod keys;
mod registries;
mod scopes;
mod tokens;
