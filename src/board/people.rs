//! Who asks, and what they may see and do.

use super::store::Scope;
use crate::config::{BoardRole, BoardSettings, BoardUser};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Somebody who uses the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// As the configuration has it.
    pub name: String,
    /// What the person may see and do.
    pub role: BoardRole,
    /// Whose tasks the person may see.
    pub scope: Scope,
    /// Whether the person may see numbers in full.
    pub may_call: bool,
}

/// The name of whoever uses a board that nobody may reach from elsewhere.
pub const LOCAL: &str = "local";

impl Person {
    fn new(name: &str, user: &BoardUser) -> Self {
        let scope = match user.role {
            BoardRole::Manager => Scope::Own {
                name: name.to_owned(),
                managers: user.managers.clone(),
                queues: user.queues.clone(),
            },
            BoardRole::Lead => Scope::Region(user.region.clone()),
            BoardRole::Admin => Scope::All,
        };
        Self {
            name: name.to_owned(),
            role: user.role,
            scope,
            may_call: user.may_call,
        }
    }

    /// Whoever uses a board that nobody may reach from elsewhere.
    pub fn local() -> Self {
        Self {
            name: LOCAL.to_owned(),
            role: BoardRole::Admin,
            scope: Scope::All,
            may_call: true,
        }
    }

    /// Whether the person may hand tasks of others over, and see how the work stands.
    pub fn leads(&self) -> bool {
        self.role != BoardRole::Manager
    }
}

/// The person of a name, for whom a proxy vouches.
pub fn by_name(settings: &BoardSettings, name: &str) -> Option<Person> {
    let user = settings.users.get(name)?;
    Some(Person::new(name, user))
}

/// The person of a token. It takes as long for a token that is nearly right as for any other.
pub fn by_token(settings: &BoardSettings, token: &str) -> Option<Person> {
    let hash = hash(token);
    let mut found = None;
    for (name, user) in &settings.users {
        let expected = user.token_sha256.to_ascii_lowercase();
        if bool::from(hash.as_bytes().ct_eq(expected.as_bytes())) {
            found = Some(Person::new(name, user));
        }
    }
    found
}

/// What the configuration keeps of a token. A token is as random as a key, so a plain hash serves.
pub fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.trim().as_bytes()))
}

/// A new token, or anything else that nobody can guess.
///
/// # Errors
/// The system has no randomness.
pub fn secret() -> Result<String, String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| format!("no randomness: {error}"))?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
