//! The official front end of ComfyUI, which the user installed. Nothing of it is part of this program.

use super::{folders::confined, guard};
use axum::response::Response;
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};
use splatgraph_sdk::Result as SdkResult;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The version that was tested.
pub(super) const TESTED: &str = "1.58.1";
/// The pages that may be there are small.
const LARGEST_PAGE: u64 = 4 << 20;

/// A copy of the front end.
#[derive(Clone, Debug)]
pub struct FrontEnd {
    folder: PathBuf,
    /// Its version, if it was found with Python.
    pub version: Option<String>,
}

impl FrontEnd {
    /// The front end in a folder, which has its page `index.html`.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Option<Self> {
        let inside = [folder.to_owned(), folder.join("static"), folder.join("comfyui_frontend_package").join("static")];
        let folder = inside.into_iter().find(|folder| folder.join("index.html").is_file())?;
        Some(Self { folder, version: None })
    }

    /// The front end that was installed for Python (`pip install comfyui-frontend-package`); `None` if there is none.
    #[must_use]
    pub fn installed() -> Option<Self> {
        const ASK: &str = "import importlib.metadata as m, importlib.util as u\n\
                           s = u.find_spec('comfyui_frontend_package')\n\
                           print(s.submodule_search_locations[0])\n\
                           print(m.version('comfyui-frontend-package'))";
        let own = std::env::var_os("VIRTUAL_ENV").map(|folder| Path::new(&folder).join("bin").join("python"));
        let pythons = own.into_iter().chain(["python3".into(), "python".into()]);
        for python in pythons {
            let asked = Command::new(python).args(["-c", ASK]).stdin(Stdio::null()).stderr(Stdio::null()).output();
            let Ok(answer) = asked else { continue };
            let text = String::from_utf8_lossy(&answer.stdout).into_owned();
            let mut lines = text.lines();
            if let Some(found) = lines.next().and_then(|folder| Self::in_folder(Path::new(folder))) {
                return Some(Self { version: lines.next().map(str::to_owned), ..found });
            }
        }
        None
    }

    /// The page, with a policy that lets it run its own scripts only and ask this server only.
    pub(super) fn page(&self) -> Result<Response, String> {
        let path = self.folder.join("index.html");
        let read = || -> SdkResult<String> {
            let file = fs::File::open(&path)?;
            Ok(String::from_utf8_lossy(&crate::reading::read_all(file, LARGEST_PAGE)?).into_owned())
        };
        let html = read().map_err(|error| format!("the front end cannot be read: {}", error.message))?;
        let hashes: String = inline_scripts(&html).map(|script| format!(" 'sha256-{}'", hash(script))).collect();
        let policy = format!(
            "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'{hashes}; style-src 'self' 'unsafe-inline'; \
             img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; worker-src 'self' blob:; \
             connect-src 'self' data: blob:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
        );
        Ok(guard::page(html, &policy))
    }

    /// The file at an address.
    pub(super) fn file(&self, address: &str) -> Option<PathBuf> {
        let path = self.folder.join(confined(address.trim_start_matches('/'))?);
        path.is_file().then_some(path)
    }

    /// The addresses of its own extensions.
    pub(super) fn extensions(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.join("extensions")];
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "js")
                    && let Ok(below) = path.strip_prefix(&self.folder)
                {
                    found.push(format!("/{}", below.to_string_lossy().replace('\\', "/")));
                }
            }
        }
        found.sort();
        found
    }
}

/// The texts of the scripts that stand in a page.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    html.split("<script").skip(1).filter_map(|rest| {
        let (attributes, rest) = rest.split_once('>')?;
        let (script, _) = rest.split_once("</script>")?;
        (!attributes.contains("src=")).then_some(script)
    })
}

/// The SHA-256 of a text in base64, as policies name it.
fn hash(text: &str) -> String {
    BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_in_a_page_are_named_by_their_sums() {
        let html =
            "<head><script>alert(1)</script><script type=module src=\"a.js\"></script><script>\n</script></head>";
        assert_eq!(inline_scripts(html).collect::<Vec<_>>(), ["alert(1)", "\n"]);
        // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        assert_eq!(hash("alert(1)"), "bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=");
    }
}
