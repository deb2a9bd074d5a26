//! The files that pages load besides themselves; they are part of the program.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};

/// One embedded file.
#[derive(Debug)]
pub struct Asset {
    /// Its name below `assets/`.
    pub name: &'static str,
    /// The content type.
    pub content_type: &'static str,
    /// The bytes.
    pub bytes: &'static [u8],
    /// First 16 hexadecimal digits of their SHA-256: a changed file has another address.
    pub version: String,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        asset(
            "style.css",
            "text/css; charset=utf-8",
            include_bytes!("../../assets/style.css"),
        ),
        asset(
            "page.js",
            "text/javascript; charset=utf-8",
            include_bytes!("../../assets/page.js"),
        ),
        asset(
            "icon.svg",
            "image/svg+xml",
            include_bytes!("../../assets/icon.svg"),
        ),
    ]
});

/// The file of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// The address of a file relative to the root, with its version.
#[must_use]
pub fn path(name: &str) -> String {
    let version = find(name).map_or("", |asset| asset.version.as_str());
    format!("assets/{name}?v={version}")
}

fn asset(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    let digest = Sha256::digest(bytes);
    Asset {
        name,
        content_type,
        bytes,
        version: crate::config::reader::hex(&digest[..8]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_a_page_names_is_there_under_its_version() {
        for name in ["style.css", "page.js", "icon.svg"] {
            let asset = find(name).unwrap();
            assert_eq!(path(name), format!("assets/{name}?v={}", asset.version));
            assert_eq!(asset.version.len(), 16);
        }
        assert!(find("../Cargo.toml").is_none());
    }

    #[test]
    fn no_file_names_another_host() {
        for asset in ASSETS.iter() {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("//") || !text.contains("http"), "{}", asset.name);
        }
    }
}
