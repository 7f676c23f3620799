//! The plan of a shadow test: margins, strata and mode, fixed and hashed before the first trace is replayed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::{FieldError, Fields, unknown};
use crate::catalog::Margins;
use crate::values::Digest;
use crate::values::digest::canonical_json;

/// What will be judged and how strictly. JSON shape: surfaces.md §3; every field has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// One-sided error of every claim; intervals have level 1 − 2·alpha.
    pub alpha: f64,
    /// How much worse the candidate may be. Beside the four fixed names, `score` and any check.
    pub margins: Margins,
    /// What is known of strata; a stratum that is not named is material and has no weight.
    pub strata: BTreeMap<String, Stratum>,
    /// Fixed sample, or looks after every trace.
    pub mode: Mode,
    /// Seed of every draw and of the sample: at least eight bytes, hexadecimal.
    pub seed_hex: String,
    /// Whether lower cost is part of what is asked for, so that cost is a gate.
    pub claims_savings: bool,
}

/// One kind of request in the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stratum {
    /// Share of the traffic, or any number in proportion to it; weights are divided by their sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Whether the candidate must hold in this stratum by itself.
    pub material: bool,
}

/// When the figures may be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Once, at the end.
    #[default]
    Fixed,
    /// After every trace, by an e-process.
    Sequential,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            alpha: 0.025,
            margins: Margins::default(),
            strata: BTreeMap::new(),
            mode: Mode::Fixed,
            seed_hex: "0000000000000000".to_owned(),
            claims_savings: false,
        }
    }
}

impl Default for Stratum {
    fn default() -> Self {
        Self {
            weight: None,
            material: true,
        }
    }
}

impl Plan {
    /// Reads a plan; what is missing or null takes its default.
    ///
    /// # Errors
    /// Names the first field that is unknown, of a wrong type, or outside its limits.
    pub fn parse(document: &Value) -> Result<Self, FieldError> {
        let fields = Fields::of(document, "")?;
        fields.only(&["alpha", "margins", "strata", "mode", "seed_hex", "claims_savings"])?;
        let base = Self::default();
        let plan = Self {
            alpha: fields
                .optional("alpha", "a number above 0 and below 0.5")?
                .unwrap_or(base.alpha),
            margins: fields.value("margins").map_or(Ok(base.margins), parse_margins)?,
            strata: fields.value("strata").map_or(Ok(base.strata), parse_strata)?,
            mode: parse_mode(fields)?,
            seed_hex: fields
                .optional("seed_hex", "hexadecimal text")?
                .unwrap_or(base.seed_hex),
            claims_savings: fields
                .optional("claims_savings", "true or false")?
                .unwrap_or(base.claims_savings),
        };
        plan.check()?;
        Ok(plan)
    }

    /// Whether every number of the plan is possible.
    ///
    /// # Errors
    /// Names the first field that is outside its limits.
    pub fn check(&self) -> Result<(), FieldError> {
        within(
            "alpha",
            self.alpha,
            self.alpha > 0.0 && self.alpha < 0.5,
            "above 0 and below 0.5",
        )?;
        let margins = &self.margins;
        let proportions = [
            ("quality", margins.quality),
            ("stratum_quality", margins.stratum_quality),
        ];
        let checks = margins
            .checks
            .iter()
            .map(|(name, margin)| (name.as_str(), *margin));
        for (name, margin) in proportions.into_iter().chain(checks) {
            let field = format!("margins.{name}");
            within(
                &field,
                margin,
                (0.0..=1.0).contains(&margin),
                "a proportion from 0 to 1 (5 points are 0.05)",
            )?;
        }
        for (name, ratio) in [
            ("latency_p95_ratio", margins.latency_p95_ratio),
            ("cost_ratio", margins.cost_ratio),
        ] {
            within(
                &format!("margins.{name}"),
                ratio,
                ratio > 0.0 && ratio.is_finite(),
                "a ratio above 0",
            )?;
        }
        for (name, stratum) in &self.strata {
            let weight = stratum.weight.unwrap_or(0.0);
            let field = format!("strata.{name}.weight");
            within(&field, weight, weight >= 0.0 && weight.is_finite(), "0 or more")?;
        }
        if !self.strata.is_empty() && self.strata.values().all(|stratum| stratum.weight == Some(0.0)) {
            return Err(FieldError::new(
                "strata",
                "have weights that are all 0; give at least one a weight above 0",
            ));
        }
        match hex::decode(&self.seed_hex) {
            Ok(bytes) if bytes.len() >= 8 => Ok(()),
            _ => Err(FieldError::new(
                "seed_hex",
                "must be at least 16 hexadecimal digits, in pairs",
            )),
        }
    }

    /// SHA-256 of the plan as RFC 8785 canonical JSON, with every default written out.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&canonical_json(self).unwrap_or_default())
    }

    /// First eight bytes of the seed, big-endian: where every stream of draws starts.
    #[must_use]
    pub fn draw_seed(&self) -> u64 {
        let bytes = hex::decode(&self.seed_hex).unwrap_or_default();
        bytes
            .first_chunk::<8>()
            .map_or(0, |first| u64::from_be_bytes(*first))
    }

    /// Total error of the two-sided intervals, 2·alpha.
    pub(super) fn two_sided(&self) -> f64 {
        2.0 * self.alpha
    }

    /// Whether the candidate must hold in a stratum by itself; true unless the plan says otherwise.
    pub(super) fn is_material(&self, stratum: &str) -> bool {
        self.strata.get(stratum).is_none_or(|known| known.material)
    }
}

fn within(field: &str, value: f64, holds: bool, limits: &str) -> Result<(), FieldError> {
    if holds {
        Ok(())
    } else {
        Err(FieldError::new(field, format!("must be {limits}, not {value}")))
    }
}

fn parse_margins(value: &Value) -> Result<Margins, FieldError> {
    let fields = Fields::of(value, "margins")?;
    let mut margins = Margins::default();
    for (name, value) in fields.each() {
        let margin = value
            .as_f64()
            .ok_or_else(|| FieldError::new(fields.name(name), format!("must be a number, not {value}")))?;
        match name {
            "quality" => margins.quality = margin,
            "stratum_quality" => margins.stratum_quality = margin,
            "latency_p95_ratio" => margins.latency_p95_ratio = margin,
            "cost_ratio" => margins.cost_ratio = margin,
            check => {
                margins.checks.insert(check.to_owned(), margin);
            }
        }
    }
    Ok(margins)
}

fn parse_strata(value: &Value) -> Result<BTreeMap<String, Stratum>, FieldError> {
    let mut strata = BTreeMap::new();
    for (name, value) in Fields::of(value, "strata")?.each() {
        let path = format!("strata.{name}");
        let fields = Fields::of(value, &path)?;
        fields.only(&["weight", "material"])?;
        let stratum = Stratum {
            weight: fields.optional("weight", "a number, 0 or more")?,
            material: fields.optional("material", "true or false")?.unwrap_or(true),
        };
        strata.insert(name.to_owned(), stratum);
    }
    Ok(strata)
}

fn parse_mode(fields: Fields<'_>) -> Result<Mode, FieldError> {
    match fields.optional("mode", "\"fixed\" or \"sequential\"")? {
        None | Some("fixed") => Ok(Mode::Fixed),
        Some("sequential") => Ok(Mode::Sequential),
        Some(other) => Err(FieldError::new(
            "mode",
            format!("\"{other}\" {}", unknown(other, &["fixed", "sequential"])),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(document: &Value) -> String {
        Plan::parse(document).expect_err("a refusal").to_string()
    }

    #[test]
    fn an_empty_plan_is_the_default_plan() {
        assert_eq!(Plan::parse(&json!({})), Ok(Plan::default()));
        assert_eq!(
            serde_json::from_value::<Plan>(json!({})).expect("a plan"),
            Plan::default()
        );
    }

    #[test]
    fn a_plan_reads_back_as_itself_and_keeps_its_digest() {
        let document = json!({
            "alpha": 0.05, "mode": "sequential", "seed_hex": "676f7665726e6f722d73686f776e2d31", "claims_savings": true,
            "margins": {"quality": 0.03, "stratum_quality": 0.06, "latency_p95_ratio": 2.0, "cost_ratio": 0.9, "schema": 0.01},
            "strata": {"relevance": {"weight": 0.194, "material": true}, "simple": {"material": false}}
        });
        let plan = Plan::parse(&document).expect("a plan");
        assert_eq!(serde_json::to_value(&plan).expect("JSON"), document);
        assert_eq!(plan.digest(), Digest::of_json(&document).expect("a digest"));
        assert_eq!(plan.draw_seed(), 0x676f_7665_726e_6f72);
    }

    #[test]
    fn a_field_is_refused_by_name_with_the_nearest_known_one() {
        let all = [
            json!({"claim_savings": true}),
            json!({"strata": {"a": {"wieght": 0.5}}}),
            json!({"mode": "sequentiel"}),
            json!({"alpha": 0.7}),
            json!({"alpha": "small"}),
            json!({"margins": {"quality": -0.05}}),
            json!({"margins": {"schema": 5}}),
            json!({"margins": {"cost_ratio": 0}}),
            json!({"margins": {"schema": null}}),
            json!({"strata": {"a": {"weight": -1}}}),
            json!({"strata": {"a": {"weight": 0}}}),
            json!({"seed_hex": "12"}),
            json!([1]),
        ];
        insta::assert_snapshot!(all.iter().map(refused).collect::<Vec<_>>().join("\n"), @r#"
        `claim_savings` is not known; did you mean `claims_savings`?
        `strata.a.wieght` is not known; did you mean `weight`?
        `mode` "sequentiel" is not known; did you mean `sequential`?
        `alpha` must be above 0 and below 0.5, not 0.7
        `alpha` must be a number above 0 and below 0.5, not "small"
        `margins.quality` must be a proportion from 0 to 1 (5 points are 0.05), not -0.05
        `margins.schema` must be a proportion from 0 to 1 (5 points are 0.05), not 5
        `margins.cost_ratio` must be a ratio above 0, not 0
        `margins.schema` must be a number, not null
        `strata.a.weight` must be 0 or more, not -1
        `strata` have weights that are all 0; give at least one a weight above 0
        `seed_hex` must be at least 16 hexadecimal digits, in pairs
        must be an object, not a list
        "#);
    }
}
