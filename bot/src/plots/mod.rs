//! Pictures of evidence as SVG text: pure functions, coloured by the page's style sheet, crisp at two widths.

pub mod cost;
pub mod interval;
pub mod latency;
mod scale;
pub mod spend;
pub(crate) mod svg;

/// How wide a picture is drawn. Text keeps its size, so a narrow picture is laid out anew and not shrunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Labels stand left of the lines: 720 units.
    Wide,
    /// Labels stand above the lines: 320 units.
    Narrow,
}

impl Width {
    fn units(self) -> f64 {
        match self {
            Self::Wide => 720.0,
            Self::Narrow => 320.0,
        }
    }

    /// The class by which the style sheet shows one of the two.
    fn class(self) -> &'static str {
        match self {
            Self::Wide => "plot wide",
            Self::Narrow => "plot narrow",
        }
    }
}

/// Both editions of a picture, one after the other: the style sheet shows the one that fits.
fn both(draw: impl Fn(Width) -> String) -> String {
    let mut out = draw(Width::Wide);
    out.push_str(&draw(Width::Narrow));
    out
}
