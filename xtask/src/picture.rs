//! A terminal's screen as an SVG picture: colours, a monospace font, and a window around it.

use anstyle::{Ansi256Color, Color, Effects, RgbColor, Style};
use anstyle_svg::{Term, WIN10_CONSOLE};
use anyhow::{Context, Result};
use vt100::{Cell, Screen};

/// The window's inside: dark, so that the colours of terminals show, on light and on dark pages.
const INSIDE: RgbColor = RgbColor(0x16, 0x1b, 0x22);

/// Plain text.
const TEXT: RgbColor = RgbColor(0xd0, 0xd7, 0xde);

/// The advance of a character, in tenths of a pixel: 0.6 of anstyle-svg's font size of 14 px, as in most monospace fonts.
const ADVANCE: usize = 84;

/// Pixels above the text for the window's title.
const TITLE: usize = 34;

/// The screen as an SVG document, in a window with this title.
///
/// # Errors
/// The renderer's document does not tell its size.
pub(crate) fn svg(screen: &Screen, title: &str) -> Result<String> {
    let (rows, columns) = screen.size();
    let lines: Vec<String> = (0..rows.get()).map(|row| line(screen, row, columns.get())).collect();
    let text = lines.join("\n");
    let inside = Term::new()
        .palette(WIN10_CONSOLE)
        .fg_color(TEXT.into())
        .bg_color(INSIDE.into())
        .background(false)
        .min_width_px((usize::from(columns.get()) * ADVANCE).div_ceil(10))
        .render_svg(text.trim_end());
    framed(&inside, title)
}

/// One row as text with ANSI sequences for its styles, without the blanks at its end.
fn line(screen: &Screen, row: u16, columns: u16) -> String {
    let mut text = String::new();
    let mut current = Style::new();
    let cells = (0..columns).filter_map(|column| screen.cell(row, column));
    for cell in cells.filter(|cell| !cell.is_wide_continuation()) {
        let style = style(cell);
        if style != current {
            text.push_str(&format!("{}{}", current.render_reset(), style.render()));
            current = style;
        }
        text.push_str(if cell.has_contents() { cell.contents() } else { " " });
    }
    let mut text = text.trim_end().to_owned();
    text.push_str(&current.render_reset().to_string());
    text
}

fn style(cell: &Cell) -> Style {
    let effects = [
        (cell.bold(), Effects::BOLD),
        (cell.dim(), Effects::DIMMED),
        (cell.italic(), Effects::ITALIC),
        (cell.underline(), Effects::UNDERLINE),
        (cell.inverse(), Effects::INVERT),
    ];
    let effects = effects.into_iter().filter(|(is_set, _)| *is_set).fold(Effects::new(), |all, (_, one)| all | one);
    Style::new().fg_color(colour(cell.fgcolor())).bg_color(colour(cell.bgcolor())).effects(effects)
}

fn colour(colour: vt100::Color) -> Option<Color> {
    match colour {
        vt100::Color::Default => None,
        vt100::Color::Idx(index) => Some(Ansi256Color(index).into()),
        vt100::Color::Rgb(red, green, blue) => Some(RgbColor(red, green, blue).into()),
    }
}

/// Puts a document into a window: a rounded frame, three buttons and a title.
fn framed(inside: &str, title: &str) -> Result<String> {
    let (width, height) = (pixels(inside, "width")?, pixels(inside, "height")? + TITLE);
    let RgbColor(red, green, blue) = INSIDE;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n\
         <rect x=\"0.5\" y=\"0.5\" width=\"{frame_width}\" height=\"{frame_height}\" rx=\"8\" \
         fill=\"rgb({red},{green},{blue})\" stroke=\"#57606a\"/>\n\
         <g fill=\"#57606a\"><circle cx=\"20\" cy=\"18\" r=\"6\"/><circle cx=\"40\" cy=\"18\" r=\"6\"/>\
         <circle cx=\"60\" cy=\"18\" r=\"6\"/></g>\n\
         <text x=\"50%\" y=\"23\" text-anchor=\"middle\" fill=\"#8b949e\" font-family=\"sans-serif\" \
         font-size=\"13\">{title}</text>\n\
         <svg y=\"{TITLE}\"{inside}</svg>\n",
        frame_width = width - 1,
        frame_height = height - 1,
        inside = inside.strip_prefix("<svg").context("not an SVG document")?,
    ))
}

/// A length of a document's first tag, in pixels.
fn pixels(svg: &str, attribute: &str) -> Result<usize> {
    let value = svg.split_once(&format!("{attribute}=\"")).and_then(|(_, rest)| rest.split_once("px\""));
    let (value, _) = value.with_context(|| format!("the picture does not tell its {attribute}"))?;
    value.parse().with_context(|| format!("the picture's {attribute}: {value}"))
}
