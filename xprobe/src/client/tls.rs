//! What makes a collector's certificate trusted.

use std::fs;
use std::path::PathBuf;

use reqwest::Certificate;

use super::ClientError;

/// Makes *ring* the cryptography of this process.
pub(super) fn install_provider() {
    // An error says that a provider is installed already, by an earlier client.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The certificate authorities in the PEM file `path`; at least one.
pub(super) fn authorities(path: &PathBuf) -> Result<Vec<Certificate>, ClientError> {
    let pem = fs::read(path).map_err(|source| ClientError::Authorities {
        path: path.clone(),
        source,
    })?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(ClientError::NoAuthority {
            path: path.clone(),
            source: None,
        }),
        Err(error) => Err(ClientError::NoAuthority {
            path: path.clone(),
            source: Some(error),
        }),
    }
}
