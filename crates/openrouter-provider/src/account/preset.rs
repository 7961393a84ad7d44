//! The presets of an account: models, parameters and prompts under a name.

use lenient_json::{Count, Raw, from_str, object};
use openai_wire::Keep as _;
use provider_core::RawJson;

use crate::record::{self, record};

record! {
    /// A preset of the account: a model, parameters and a prompt under a name. `GET /presets`.
    pub struct Preset {
        /// Its id.
        id: String = "id",
        /// Its name in requests.
        slug: String = "slug",
        /// Its name to show.
        name: String = "name",
        /// The text that describes it.
        description: Option<String> = "description",
        /// `active`, `disabled` or `archived`.
        status: Option<String> = "status",
        /// The id of the version that requests use.
        designated_version_id: Option<String> = "designated_version_id",
        /// The id of the workspace that it belongs to.
        workspace_id: Option<String> = "workspace_id",
        /// The id of the user who made it.
        creator_user_id: Option<String> = "creator_user_id",
        /// When it was made (`2026-10-01T12:00:00Z`).
        created_at: Option<String> = "created_at",
        /// When it was last changed.
        updated_at: Option<String> = "updated_at",
        /// The whole entry as it was sent.
        raw: Option<RawJson>,
    }
}

impl Preset {
    /// Returns the id that a request has in the place of a model's: `@preset/slug`.
    pub fn model_id(&self) -> String {
        format!("@preset/{}", self.slug)
    }

    /// Whether requests may use it: it is neither disabled nor archived.
    pub fn is_active(&self) -> bool {
        self.status.as_deref().is_none_or(|status| status == "active")
    }
}

object! {
    struct Page<'a> {
        data: Raw<'a> = "data",
        total_count: Count = "total_count",
    }
}

/// Reads a page of presets: how many entries it has, those that can be asked for, and how many there are in
/// all, if it says so.
///
/// # Errors
/// When the body is no JSON object with a list in `data`.
pub(crate) fn read(body: &str) -> Result<(usize, Vec<Preset>, Option<u64>), String> {
    let page: Page<'_> = from_str(body).map_err(|cause| cause.to_string())?;
    if !page.data.is_list() {
        return Err("there is no list in `data`".to_owned());
    }
    let mut presets = record::list(page.data, preset);
    let count = presets.len();
    // One without a slug cannot be asked for.
    presets.retain(|preset| !preset.slug.is_empty());
    Ok((count, presets, page.total_count.0))
}

fn preset(raw: Raw<'_>) -> Preset {
    let mut preset = Preset { raw: raw.keep(), ..record::of(raw) };
    if preset.name.is_empty() {
        preset.name.clone_from(&preset.slug);
    }
    preset
}
