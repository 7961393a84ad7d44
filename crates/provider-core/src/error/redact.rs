//! Taking secrets out of errors.

use super::Error;
use crate::{ChatResponse, RawJson, Secret};

impl Error {
    /// Takes a secret out of everything this error says: a server may echo a key anywhere. To be called where an error leaves
    /// the provider. What a model said (the text of [`partial`](Self::partial)) is the caller's and stays.
    #[must_use]
    pub fn redact(mut self, secret: &Secret) -> Self {
        let inner = self.inner();
        let upstream = inner.upstream.as_mut();
        let (upstream_name, upstream_words) =
            upstream.map_or((None, None), |upstream| (upstream.provider.as_mut(), upstream.message.as_mut()));
        let texts = [
            Some(&mut inner.message),
            inner.code.as_mut(),
            inner.request_id.as_mut(),
            inner.generation_id.as_mut(),
            upstream_name,
            upstream_words,
            inner.next_step.as_mut(),
        ];
        let problems = inner.fields.iter_mut().map(|field| &mut field.problem);
        for text in texts.into_iter().flatten().chain(problems) {
            *text = secret.redact(text);
        }
        if let Some(limit) = &mut inner.limit {
            limit.redact(secret);
        }
        // The stars are no JSON outside a string; then there was none to keep.
        let json = |json: RawJson| secret.redact(json.get()).parse::<RawJson>().ok();
        inner.details = inner.details.take().and_then(json);
        if let Some(partial) = &mut inner.partial {
            let ChatResponse {
                id,
                model,
                served_by,
                native_finish_reason,
                service_tier,
                system_fingerprint,
                ..
            } = &mut **partial;
            let texts = [id, &mut served_by.provider, native_finish_reason, service_tier, system_fingerprint];
            for text in texts.into_iter().flatten().chain([model]) {
                *text = secret.redact(text);
            }
            partial.extra.map(json);
            partial.message.extra.map(json);
            partial.usage.raw = partial.usage.raw.take().and_then(json);
            partial.raw = std::mem::take(&mut partial.raw).into_iter().filter_map(json).collect();
        }
        self
    }
}
