//! Descriptions of the provider, with a fault each.

use std::sync::Arc;

use provider_core::{
    ConfigField, ConfigValues, Error, FieldKind, LlmProvider, ProviderContext, ProviderDescriptor,
};
use provider_http::settings;

use crate::fault::Fault;
use crate::provider;

/// Without a fault.
static ACME: ProviderDescriptor = ProviderDescriptor::new("acme", "Acme", connect).fields(FIELDS);

provider_core::register_provider!(ACME);

static FIELDS: &[ConfigField] = &[
    settings::optional_api_key(),
    settings::base_url(),
    settings::allow_http(),
    settings::connect_timeout(),
    settings::read_timeout(),
    settings::total_timeout(),
];

pub(crate) fn of(fault: Fault) -> &'static ProviderDescriptor {
    static UPPER_CASE: ProviderDescriptor =
        ProviderDescriptor::new("Acme AI", "Acme", connect).fields(FIELDS);
    static NAMELESS: ProviderDescriptor = ProviderDescriptor::new("acme", " ", connect).fields(FIELDS);
    static SPEECHLESS: ProviderDescriptor =
        ProviderDescriptor::new("acme", "Acme", connect).fields(FIELDS).capabilities(&[]);
    static STRANGER: ProviderDescriptor = ProviderDescriptor::new("stranger", "Acme", connect).fields(FIELDS);
    static TWICE: ProviderDescriptor = ProviderDescriptor::new("acme", "Acme", connect).fields(&[
        settings::base_url(),
        settings::optional_api_key(),
        settings::base_url(),
    ]);
    static UNLABELLED: ProviderDescriptor = ProviderDescriptor::new("acme", "Acme", connect)
        .fields(&[settings::base_url(), ConfigField::new("region", "", FieldKind::Text)]);
    static OPEN: ProviderDescriptor = ProviderDescriptor::new("acme", "Acme", connect)
        .fields(&[settings::base_url(), ConfigField::new("api_key", "API Key", FieldKind::Text)]);
    static UNMARKED: ProviderDescriptor = ProviderDescriptor::new("acme", "Acme", connect)
        .fields(&[settings::base_url(), ConfigField::new("gateway_host", "Gateway", FieldKind::Text)]);
    static BEARER: ProviderDescriptor = ProviderDescriptor::new("acme", "Acme", connect)
        .fields(&[settings::base_url(), ConfigField::new("bearer", "Bearer", FieldKind::Text)]);
    static COUNTING: ProviderDescriptor = ProviderDescriptor::new("acme", "Acme", connect).fields(&[
        settings::base_url(),
        ConfigField::new("token_limit", "Token Limit", FieldKind::Integer),
        ConfigField::new("api_version", "API Version", FieldKind::Text).default("1"),
    ]);
    static UNFIT: ProviderDescriptor = ProviderDescriptor::new("acme", "Acme", connect)
        .fields(&[settings::base_url(), settings::read_timeout().default("soon")]);
    static REPEATING: ProviderDescriptor = ProviderDescriptor::new("acme", "Acme", connect).fields(&[
        settings::base_url(),
        ConfigField::new("region", "Region", FieldKind::Text)
            .check(|value| Err(format!("there is no region {value}"))),
    ]);
    static UNCHECKED: ProviderDescriptor =
        ProviderDescriptor::new("acme", "Acme", connect_unchecked).fields(&[
            settings::base_url(),
            ConfigField::new("read_timeout", "Read Timeout", FieldKind::Text).default("120"),
        ]);

    match fault {
        Fault::UpperCaseId => &UPPER_CASE,
        Fault::NoDisplayName => &NAMELESS,
        Fault::CannotDoAnything => &SPEECHLESS,
        Fault::NotRegistered => &STRANGER,
        Fault::TwoFieldsOneKey => &TWICE,
        Fault::FieldWithoutLabel => &UNLABELLED,
        Fault::KeyIsText => &OPEN,
        Fault::HostIsNoKeyDestination => &UNMARKED,
        Fault::CountsTokens => &COUNTING,
        Fault::BearerIsText => &BEARER,
        Fault::DefaultThatIsUnfit => &UNFIT,
        Fault::RepeatsValues => &REPEATING,
        Fault::TakesAnyNumber => &UNCHECKED,
        _ => &ACME,
    }
}

fn connect(values: &ConfigValues, _: &ProviderContext) -> Result<Arc<dyn LlmProvider>, Error> {
    provider::connect(values, None, Fault::Harmless)
}

/// Takes no number that cannot be used, and does not say so.
fn connect_unchecked(
    values: &ConfigValues,
    context: &ProviderContext,
) -> Result<Arc<dyn LlmProvider>, Error> {
    connect(&values.clone().set("read_timeout", ""), context)
}

pub(crate) fn validate(values: &ConfigValues) -> Result<(), Error> {
    ACME.validate(values)
}
