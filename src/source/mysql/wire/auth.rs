//! How each plugin proves the password to a server, without disclosing it to anyone else.

use rsa::pkcs8::DecodePublicKey;
use rsa::{Oaep, PublicKey};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use sqlx::Error;

/// The plugin that the server and the account use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugin {
    Native,
    CachingSha2,
    Sha256,
    Clear,
}

impl Plugin {
    /// # Errors
    /// For an unknown plugin, with its name.
    pub fn named(name: &str) -> Result<Self, Error> {
        match name {
            "mysql_native_password" => Ok(Self::Native),
            "caching_sha2_password" => Ok(Self::CachingSha2),
            "sha256_password" => Ok(Self::Sha256),
            "mysql_clear_password" => Ok(Self::Clear),
            // `refusal.rs` reads these words.
            other => Err(Error::Protocol(format!("unknown authentication plugin: {other}"))),
        }
    }
}

/// An empty password has an empty scramble.
pub fn scramble_sha1(password: &str, nonce: &[u8]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let hash = Sha1::digest(password);
    let salted = Sha1::new().chain_update(nonce).chain_update(Sha1::digest(hash)).finalize();
    mixed(&hash, &salted)
}

pub fn scramble_sha256(password: &str, nonce: &[u8]) -> Vec<u8> {
    if password.is_empty() {
        return Vec::new();
    }
    let hash = Sha256::digest(password);
    let salted = Sha256::new().chain_update(Sha256::digest(hash)).chain_update(nonce).finalize();
    mixed(&hash, &salted)
}

/// The unencrypted password with a zero at its end, for a connection that nobody can listen to.
pub fn clear(password: &str) -> Vec<u8> {
    [password.as_bytes(), &[0]].concat()
}

/// The password, encrypted with the server's public key, which it has sent as PEM.
///
/// # Errors
/// For an invalid key, or a password that is too long for it.
pub fn sealed(password: &str, nonce: &[u8], key: &[u8]) -> Result<Vec<u8>, Error> {
    let refused = |error: &dyn std::fmt::Display| Error::Protocol(format!("the server's public key: {error}"));
    let pem = std::str::from_utf8(key).map_err(|error| refused(&error))?;
    let key = PublicKey::from_public_key_pem(pem).map_err(|error| refused(&error))?;
    let salted = mixed(&clear(password), nonce);
    key.encrypt(&mut rand::rng(), Oaep::<Sha1>::new(), &salted).map_err(|error| refused(&error))
}

/// XORs each byte with one of `with`, which is repeated as often as needed.
fn mixed(bytes: &[u8], with: &[u8]) -> Vec<u8> {
    bytes.iter().zip(with.iter().cycle()).map(|(one, other)| one ^ other).collect()
}
