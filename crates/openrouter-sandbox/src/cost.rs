//! Exact amounts in US dollars, and the usage of a completion.
//!
//! Prices are decimal strings, and a bill must add up to the last digit: amounts are integers.

use serde_json::{Number, Value, json};

/// The digits after the decimal point.
const SCALE: usize = 18;

/// An amount in dollars, counted in units of 10^-18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Usd(i128);

impl Usd {
    /// Parses a plain decimal such as `"0.0000025"` or `"-1"`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || fraction.len() > SCALE || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let units: i128 = format!("{whole}{fraction:0<SCALE$}").parse().ok()?;
        Some(Self(if negative { -units } else { units }))
    }

    /// Reads an amount that JSON has as a number or as a string.
    pub(crate) fn from_json(amount: &Value) -> Option<Self> {
        match amount {
            Value::String(text) => Self::parse(text),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    /// The cost of `count` units at this price. A negative price ("it depends") counts as zero.
    pub(crate) fn times(self, count: u64) -> Self {
        Self(self.0.max(0).saturating_mul(i128::from(count)))
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The amount as the service writes it: an integer if it is whole, else a decimal number.
    pub(crate) fn to_json(self) -> Value {
        let text = self.to_string();
        match text.parse::<i64>() {
            Ok(whole) => whole.into(),
            Err(_) => text.parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number),
        }
    }
}

impl std::fmt::Display for Usd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = self.0.unsigned_abs();
        let one = 10_u128.pow(SCALE as u32);
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:0SCALE$}", units % one);
        let fraction = fraction.trim_end_matches('0');
        match fraction {
            "" => write!(f, "{sign}{}", units / one),
            _ => write!(f, "{sign}{}.{fraction}", units / one),
        }
    }
}

/// The price of a container, in dollars.
const CONTAINER_PRICE: &str = "0.0004";

/// The tokens of a completion, and their cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub(crate) prompt_tokens: u64,
    pub(crate) completion_tokens: u64,
    pub(crate) reasoning_tokens: u64,
    prompt_cost: Usd,
    completion_cost: Usd,
    /// The charge for a container of the sandbox's shell tool, if one ran.
    container_cost: Option<Usd>,
}

impl Usage {
    pub(crate) fn new(prompt: u64, completion: u64, reasoning: u64, prices: (Usd, Usd)) -> Self {
        Self {
            prompt_tokens: prompt,
            completion_tokens: completion,
            reasoning_tokens: reasoning,
            prompt_cost: prices.0.times(prompt),
            completion_cost: prices.1.times(completion),
            container_cost: None,
        }
    }

    /// The same, with a container that ran for a while.
    pub(crate) fn with_container(self) -> Self {
        Self { container_cost: Usd::parse(CONTAINER_PRICE), ..self }
    }

    pub(crate) fn cost(&self) -> Usd {
        self.prompt_cost.plus(self.completion_cost).plus(self.container_cost.unwrap_or_default())
    }

    pub(crate) fn to_json(self) -> Value {
        let upstream_cost = self.prompt_cost.plus(self.completion_cost);
        let mut usage = json!({
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "cost": self.cost().to_json(),
            "is_byok": false,
            "prompt_tokens_details": {
                "cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0, "video_tokens": 0,
            },
            "cost_details": {
                "upstream_inference_cost": upstream_cost.to_json(),
                "upstream_inference_prompt_cost": self.prompt_cost.to_json(),
                "upstream_inference_completions_cost": self.completion_cost.to_json(),
            },
            "completion_tokens_details": {
                "reasoning_tokens": self.reasoning_tokens, "image_tokens": 0, "audio_tokens": 0,
            },
        });
        if let Some(cost) = self.container_cost {
            usage["cost_details"]["server_tool_cost"] = cost.to_json();
        }
        usage
    }
}

#[cfg(test)]
mod tests {
    use super::Usd;

    #[test]
    fn costs_add_up_exactly() {
        let cost = Usd::parse("0.0000025").unwrap().times(93).plus(Usd::parse("0.00001").unwrap().times(30));
        assert_eq!(cost.to_string(), "0.0005325");
        assert_eq!(cost.to_json().to_string(), "0.0005325");
    }

    #[test]
    fn zero_is_an_integer_and_routers_are_free() {
        assert_eq!(Usd::default().to_json().to_string(), "0");
        assert_eq!(Usd::parse("-1").unwrap().times(7), Usd::default());
        assert_eq!(Usd::parse("-1").unwrap().to_string(), "-1");
    }

    #[test]
    fn parse_refuses_all_but_plain_decimals() {
        for text in ["", "-", ".5", "1e-6", "1,5", "0.0000000000000000001"] {
            assert_eq!(Usd::parse(text), None, "{text}");
        }
    }
}
