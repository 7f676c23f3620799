//! The pictures of a packet as one PNG, for chat and for documents: drawn from the same SVG as the pages, with a font of our own.

use std::{fmt::Write as _, sync::Arc};

use anyhow::Context as _;
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};
use workflow_engine::{
    catalog::Catalog,
    evidence::packet::{Packet, Tested},
};

use super::evidence;
use crate::plots::svg::escaped;

const REGULAR: &[u8] = include_bytes!("../../assets/fonts/Inter-Regular.subset.otf");
const STRONG: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.subset.otf");
const STYLE: &str = include_str!("../../assets/governor.css");

/// Pixels for one unit of the drawing: sharp on screens with dense pixels.
const SCALE: f32 = 2.0;
/// Units around and between the pictures.
const SPACE: f64 = 24.0;
/// Units of a heading.
const HEADING: f64 = 30.0;

/// A picture under its heading.
struct Picture<'a> {
    title: &'a str,
    /// `<svg>` elements as [`crate::plots`] makes them; the first, wide one is drawn.
    svg: &'a str,
}

/// The pictures of `packet`, whose test is `test`, in the words of `catalog`. They are drawn apart from what else waits for
/// the processor: a lease would run out meanwhile.
///
/// # Errors
/// When they cannot be drawn, which a test forbids.
pub async fn of(packet: &Packet, test: &Tested, catalog: &Catalog) -> anyhow::Result<Vec<u8>> {
    let entry = catalog.workflow(packet.change.workflow.as_str());
    let kinds = entry.map(|entry| entry.strata.words.clone()).unwrap_or_default();
    let target = entry.and_then(|entry| entry.latency_p95_ms);
    let pictures = evidence::pictures(&test.report, &kinds, (target, packet.cost.as_ref()));
    let titled = pictures.titled();
    let pictures: Vec<_> = titled.iter().map(|(title, svg)| Picture { title, svg }).collect();
    let caption = format!(
        "Route change {} · {} · revision {}",
        packet.change.number, packet.change.workflow, packet.change.revision.0
    );
    let sheet = sheet(&caption, &pictures);
    tokio::task::spawn_blocking(move || png(&sheet)).await?
}

/// The SVG document `sheet` on white.
fn png(sheet: &str) -> anyhow::Result<Vec<u8>> {
    let mut fonts = Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(STRONG.to_vec());
    let options = Options {
        font_family: "Inter".to_owned(),
        fontdb: Arc::new(fonts),
        ..Options::default()
    };
    let tree = Tree::from_str(sheet, &options).context("the drawing cannot be read")?;
    let size = tree
        .size()
        .to_int_size()
        .scale_by(SCALE)
        .context("the drawing has no area")?;
    let mut pixels = Pixmap::new(size.width(), size.height()).context("the drawing has no area")?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    Ok(pixels.encode_png()?)
}

/// All of `pictures`, one below the other, as one SVG document that stands alone; `caption` stands above them.
fn sheet(caption: &str, pictures: &[Picture<'_>]) -> String {
    let width = 720.0 + 2.0 * SPACE;
    let mut body = String::new();
    let mut y = SPACE + 18.0;
    // Writing to a String cannot fail.
    let _ = write!(
        body,
        r#"<text class="caption" x="{SPACE}" y="{y}">{}</text>"#,
        escaped(caption)
    );
    y += SPACE;
    for picture in pictures {
        let Some((svg, height)) = wide(picture.svg) else {
            continue;
        };
        let _ = write!(
            body,
            r#"<text class="title" x="{SPACE}" y="{}">{}</text>"#,
            y + 14.0,
            escaped(picture.title)
        );
        let _ = write!(
            body,
            r#"<g transform="translate({SPACE} {})">{svg}</g>"#,
            y + HEADING
        );
        y += HEADING + height + SPACE;
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" viewBox="0 0 {width} {y}"><style>{}</style><rect width="{width}" height="{y}" fill="#ffffff"/>{body}</svg>"##,
        style()
    )
}

/// The first of a picture's editions, and its height.
fn wide(both: &str) -> Option<(&str, f64)> {
    let end = both.find("</svg>")? + "</svg>".len();
    let svg = &both[..end];
    let height = svg.split(r#" height=""#).nth(1)?.split('"').next()?;
    Some((svg, height.parse().ok()?))
}

/// The pages' own rules for plots, with the light theme's colours written in: this renderer knows no variables.
fn style() -> String {
    let theme = STYLE
        .split(":root {")
        .nth(1)
        .and_then(|rest| rest.split('}').next());
    let colours: Vec<(&str, &str)> = theme
        .unwrap_or_default()
        .split(';')
        .filter_map(|rule| rule.trim().strip_prefix("--")?.split_once(": "))
        .collect();
    let mut rules: String = STYLE.lines().filter(|line| line.starts_with(".plot ")).collect();
    for (name, value) in colours {
        rules = rules.replace(&format!("var(--{name})"), value);
    }
    rules
        + "text{font-family:Inter;font-size:13px}.caption{font-size:18px;font-weight:600;fill:#1c1e23}.title{font-size:15px;font-weight:600;fill:#1c1e23}"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::cost::{Bridge, draw};

    #[test]
    fn no_variable_and_no_unknown_colour_is_left_in_the_style() {
        let style = style();
        assert!(!style.contains("var("), "{style}");
        assert!(style.contains(".plot .fine { stroke: #17663a; }"), "{style}");
    }

    #[test]
    fn a_picture_becomes_pixels_with_text_in_them() {
        let svg = draw(&Bridge {
            tokens: 0.96,
            price: 0.6,
            ratio: 0.57,
            interval: (0.56, 0.58),
        });
        let picture = |svg| [Picture { title: "Cost", svg }];
        let bytes = png(&sheet("Route change #2", &picture(&svg))).unwrap();
        let pixels = Pixmap::decode_png(&bytes).unwrap();
        assert_eq!(pixels.width(), 1536);
        let dark = pixels.pixels().iter().filter(|it| it.red() < 120).count();
        let wordless = svg.replace("<text", "<desc").replace("</text", "</desc");
        let bare = png(&sheet("", &picture(&wordless))).unwrap();
        let without = Pixmap::decode_png(&bare).unwrap();
        assert!(dark > without.pixels().iter().filter(|it| it.red() < 120).count() + 1_000);
    }
}
