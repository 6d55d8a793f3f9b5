//! The page's drawings: spectrogram, strip and bars, and the cursor over them.

use std::rc::Rc;

use web_sys::{Document, HtmlElement};

use super::Cursor;
use crate::protocol::Prediction;
use crate::view::classify::state::{Spectrogram, State};
use crate::view::draw::reading::{self, Position};
use crate::view::draw::spectrogram::{self, Figure};
use crate::view::draw::words as draw_words;
use crate::view::draw::{bars, strip};
use crate::view::{Area, Theme};
use crate::web::canvas::Canvas;
use crate::web::dom::{self, DomError, by_id, set_text};

/// What a drawing depends on besides its subject: it is redrawn only if this changes.
#[derive(Clone, PartialEq)]
struct Key {
    size: [f64; 2],
    ratio: f64,
    dark: bool,
}

/// A canvas and what was last drawn on it.
struct Drawing<Subject> {
    canvas: Canvas,
    drawn: Option<(Key, Rc<Subject>)>,
}

impl<Subject> Drawing<Subject> {
    fn find(document: &Document, id: &str) -> Result<Self, DomError> {
        Ok(Self { canvas: Canvas::new(by_id(document, id)?)?, drawn: None })
    }

    /// Clears the canvas for a new drawing. False if it already shows this one, or has no size.
    fn begin(&mut self, subject: &Rc<Subject>, dark: bool, ratio: f64) -> Result<bool, DomError> {
        let key = Key { size: self.canvas.size(), ratio, dark };
        let same = |(drawn, last): &(Key, Rc<Subject>)| *drawn == key && Rc::ptr_eq(last, subject);
        if self.drawn.as_ref().is_some_and(same) || key.size.contains(&0.0) {
            return Ok(false);
        }
        self.canvas.clear(ratio)?;
        self.drawn = Some((key, subject.clone()));
        Ok(true)
    }

    fn describe(&self, words: &str) -> Result<(), DomError> {
        Ok(self.canvas.element().set_attribute("aria-label", words)?)
    }
}

/// The drawings.
pub struct Figures {
    spectrogram: Drawing<Spectrogram>,
    strip: Drawing<Prediction>,
    bars: Drawing<Prediction>,
    /// Hidden without a spectrogram.
    over_time: HtmlElement,
    /// Hidden without a prediction.
    strip_box: HtmlElement,
    cursor: HtmlElement,
    cursor_dot: HtmlElement,
    readout: HtmlElement,
    readout_hint: String,
}

impl Figures {
    pub fn find(document: &Document) -> Result<Self, DomError> {
        let readout: HtmlElement = by_id(document, "readout")?;
        Ok(Self {
            spectrogram: Drawing::find(document, "spectrogram")?,
            strip: Drawing::find(document, "strip")?,
            bars: Drawing::find(document, "bars")?,
            over_time: by_id(document, "over-time")?,
            strip_box: by_id(document, "strip-box")?,
            cursor: by_id(document, "cursor")?,
            cursor_dot: by_id(document, "cursor-dot")?,
            readout_hint: readout.text_content().unwrap_or_default(),
            readout,
        })
    }

    pub fn render(&mut self, state: &State, dark: bool, ratio: f64) -> Result<(), DomError> {
        self.over_time.set_hidden(state.spectrogram.is_none());
        self.strip_box.set_hidden(state.prediction.is_none());
        self.bars.canvas.element().set_hidden(state.prediction.is_none());
        if let Some(spectrogram) = &state.spectrogram {
            self.render_spectrogram(spectrogram, state.file.as_deref().unwrap_or_default(), dark, ratio)?;
        }
        if let Some(prediction) = &state.prediction {
            self.render_bars(prediction, dark, ratio)?;
            if let Some(spectrogram) = &state.spectrogram {
                self.render_strip(prediction, spectrogram::plotted_seconds(&spectrogram.info), dark, ratio)?;
            }
        }
        Ok(())
    }

    fn render_spectrogram(
        &mut self,
        spectrogram: &Rc<Spectrogram>,
        file: &str,
        dark: bool,
        ratio: f64,
    ) -> Result<(), DomError> {
        if !self.spectrogram.begin(spectrogram, dark, ratio)? {
            return Ok(());
        }
        let Spectrogram { info, values } = spectrogram.as_ref();
        let canvas = &self.spectrogram.canvas;
        let [width, height] = canvas.size();
        let Figure { plot, colour_bar, shapes } = spectrogram::figure(info, width, height, Theme::of(dark));
        let [columns, rows] = canvas.pixels(plot);
        canvas.image(&spectrogram::pixels(values, info, columns, rows), plot)?;
        let [columns, rows] = canvas.pixels(colour_bar);
        canvas.image(&spectrogram::colour_bar(columns, rows), colour_bar)?;
        canvas.paint(&shapes)?;
        let element = canvas.element();
        element.set_attribute("aria-valuemax", &format!("{:.1}", spectrogram::plotted_seconds(info)))?;
        self.spectrogram.describe(&draw_words::spectrogram_label(file, info))
    }

    fn render_strip(
        &mut self,
        prediction: &Rc<Prediction>,
        seconds: f64,
        dark: bool,
        ratio: f64,
    ) -> Result<(), DomError> {
        if !self.strip.begin(prediction, dark, ratio)? {
            return Ok(());
        }
        let [width, height] = self.strip.canvas.size();
        self.strip.canvas.paint(&strip::shapes(prediction, seconds, width, height, Theme::of(dark)))?;
        self.strip.describe(&draw_words::strip_label(prediction))
    }

    fn render_bars(&mut self, prediction: &Rc<Prediction>, dark: bool, ratio: f64) -> Result<(), DomError> {
        let height = bars::height(prediction);
        dom::set_style(self.bars.canvas.element(), "height", &format!("{height}px"))?;
        if !self.bars.begin(prediction, dark, ratio)? {
            return Ok(());
        }
        let [width, _] = self.bars.canvas.size();
        self.bars.canvas.paint(&bars::shapes(prediction, width, Theme::of(dark)))?;
        self.bars.describe(&draw_words::bars_label(prediction))
    }

    /// The plot's area on the spectrogram's canvas, in CSS pixels; `None` without a spectrogram.
    fn plot(&self, state: &State) -> Option<Area> {
        let [width, height] = self.spectrogram.canvas.size();
        let info = &state.spectrogram.as_ref()?.info;
        Some(spectrogram::figure(info, width, height, &Theme::LIGHT).plot)
    }

    /// The position on the plot of a point on the spectrogram's canvas, in CSS pixels; clamped to the plot.
    pub fn position_of(&self, state: &State, x: f64, y: f64) -> Option<Position> {
        let plot = self.plot(state)?;
        let position = Position { time: (x - plot.x) / plot.width, height: 1.0 - (y - plot.y) / plot.height };
        Some(position.moved(0.0, 0.0))
    }

    pub fn render_cursor(&self, state: &State, cursor: Option<Cursor>) -> Result<(), DomError> {
        let visible = cursor.zip(self.plot(state)).zip(state.spectrogram.as_deref());
        self.cursor.set_hidden(visible.is_none());
        let Some(((cursor, plot), spectrogram)) = visible else {
            set_text(&self.readout, &self.readout_hint);
            return Ok(());
        };
        let x = plot.x + cursor.position.time * plot.width;
        let y = plot.y + (1.0 - cursor.position.height) * plot.height;
        dom::set_style(&self.cursor, "transform", &format!("translateX({x:.1}px)"))?;
        dom::set_style(&self.cursor_dot, "transform", &format!("translateY({y:.1}px)"))?;
        self.cursor_dot.set_hidden(!cursor.on_spectrogram);
        let (seconds, words) = read_out(state, spectrogram, cursor);
        set_text(&self.readout, &words);
        let slider = self.spectrogram.canvas.element();
        slider.set_attribute("aria-valuenow", &format!("{seconds:.1}"))?;
        Ok(slider.set_attribute("aria-valuetext", &words)?)
    }
}

/// The time under the cursor, in seconds, and the text of the readout.
fn read_out(state: &State, spectrogram: &Spectrogram, cursor: Cursor) -> (f64, String) {
    let Spectrogram { info, values } = spectrogram;
    let seconds = cursor.position.time * spectrogram::plotted_seconds(info);
    let prediction = state.prediction.as_deref();
    let stretches = prediction.map(|prediction| strip::stretches(&prediction.windows)).unwrap_or_default();
    let stretch = strip::stretch_at(&stretches, seconds)
        .and_then(|stretch| Some((stretch, prediction?.labels.get(stretch.winner)?.as_str())));
    let reading = if cursor.on_spectrogram { reading::read(values, info, cursor.position) } else { None };
    let words =
        reading.map_or_else(|| draw_words::moment(seconds, stretch), |reading| draw_words::reading(&reading, stretch));
    (seconds, words)
}
