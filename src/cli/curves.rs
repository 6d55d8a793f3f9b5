//! The learning curves of a run: a table and a picture.

use std::path::Path;

use super::CliError;
use super::output::Output;
use super::svg::svg;
use crate::eval::report::{EpochReport, Scores};
use crate::view::draw::curves::shapes;
use crate::view::{Align, Shape, Theme};

/// Width and height of the picture, in CSS pixels.
const SIZE: [f64; 2] = [720.0, 360.0];
/// Height of the title over the curves, in CSS pixels.
const TITLE: f64 = 28.0;

/// How every table of curves begins.
const TABLE_HEAD: &str = "epoch,train_loss,valid_loss,";

/// The curves that a run is going to have, `NAME.csv` and `NAME.svg`.
pub(super) struct CurvesOutput {
    name: String,
    table: Output,
    picture: Output,
}

impl CurvesOutput {
    /// As [`Output::plan`]; creates the folder.
    pub(super) fn plan(folder: &Path, name: &str) -> Result<Self, CliError> {
        // The name comes from a recipe: it must not lead out of the folder.
        if Path::new(name).file_name().is_none_or(|file| file != name) {
            let message = format!("the recipe's name '{name}' cannot be the name of a file, which --curves needs");
            return Err(CliError::Usage(message));
        }
        std::fs::create_dir_all(folder).map_err(|source| CliError::File { path: folder.to_owned(), source })?;
        let file = |ending: &str| folder.join(format!("{name}.{ending}"));
        let is_table = |bytes: &[u8]| bytes.starts_with(TABLE_HEAD.as_bytes());
        Ok(Self {
            name: name.to_owned(),
            table: Output::plan(&file("csv"), "a table of curves", is_table)?,
            picture: Output::plan(&file("svg"), "a picture of curves", |bytes| bytes.starts_with(b"<svg"))?,
        })
    }

    pub(super) fn save(&self, epochs: &[EpochReport]) -> Result<(), CliError> {
        self.table.write(table(epochs).as_bytes())?;
        self.picture.write(picture(&self.name, &in_sequence(epochs)).as_bytes())
    }
}

fn table(epochs: &[EpochReport]) -> String {
    let names = match epochs.first().map(|epoch| epoch.valid) {
        Some(Scores::Tags { .. }) => "valid_roc_auc,valid_pr_auc",
        _ => "valid_accuracy,valid_balanced_accuracy",
    };
    let mut text = format!("{TABLE_HEAD}{names}\n");
    for EpochReport { epoch, train_loss, valid_loss, valid, .. } in epochs {
        let [first, second] = valid.both();
        text += &format!("{epoch},{train_loss:.4},{valid_loss:.4},{first:.4},{second:.4}\n");
    }
    text
}

/// The epochs numbered through: every member of an ensemble counts its own from 1.
fn in_sequence(epochs: &[EpochReport]) -> Vec<EpochReport> {
    let (mut before, mut last) = (0, 0);
    let numbered = |report: &EpochReport| {
        if report.epoch <= last {
            before += last;
        }
        last = report.epoch;
        EpochReport { epoch: before + report.epoch, ..report.clone() }
    };
    epochs.iter().map(numbered).collect()
}

/// The page's curves under a title.
fn picture(name: &str, epochs: &[EpochReport]) -> String {
    let [width, height] = SIZE;
    let theme = Theme::of(false);
    let title = Shape::Text {
        x: width / 2.0,
        y: TITLE / 2.0,
        text: name.to_owned(),
        size: 16.0,
        bold: true,
        align: Align::Centre,
        fill: theme.text,
    };
    let curves = shapes(epochs, width, height - TITLE, false, theme).into_iter().map(|shape| lowered(shape, TITLE));
    let all: Vec<Shape> = std::iter::once(title).chain(curves).collect();
    svg(&all, SIZE, theme.surface)
}

/// The shape so many CSS pixels further down.
fn lowered(shape: Shape, by: f64) -> Shape {
    match shape {
        Shape::Rect { mut area, radius, fill } => {
            area.y += by;
            Shape::Rect { area, radius, fill }
        }
        Shape::Line { from, to, width, stroke } => {
            Shape::Line { from: [from[0], from[1] + by], to: [to[0], to[1] + by], width, stroke }
        }
        Shape::Text { x, y, text, size, bold, align, fill } => {
            Shape::Text { x, y: y + by, text, size, bold, align, fill }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(count: usize) -> Vec<EpochReport> {
        let report = |epoch: usize| EpochReport {
            epoch,
            train_loss: 2.0 / epoch as f64,
            step_losses: vec![2.5 / epoch as f32, 1.5 / epoch as f32],
            valid_loss: 1.0 + 1.0 / epoch as f64,
            valid: Scores::Classes { accuracy: 1.0 - 0.5 / epoch as f64, balanced_accuracy: 0.5 },
            best: epoch == count,
        };
        (1..=count).map(report).collect()
    }

    #[test]
    fn members_of_an_ensemble_follow_each_other() {
        let both = [epochs(3), epochs(3)].concat();
        let numbers: Vec<usize> = in_sequence(&both).iter().map(|report| report.epoch).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_run_is_a_table_and_a_picture() {
        let folder = tempfile::tempdir().unwrap();
        // Again into the same files, which are its own.
        for _ in 0..2 {
            CurvesOutput::plan(folder.path(), "net1").unwrap().save(&epochs(40)).unwrap();
        }
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(
            read("net1.csv").starts_with("epoch,train_loss,valid_loss,valid_accuracy,valid_balanced_accuracy\n1,2.0")
        );
        let picture = read("net1.svg");
        std::fs::write(folder.path().join("index.csv"), "track,genre,split\n").unwrap();
        let plan = |name| CurvesOutput::plan(folder.path(), name).err().map(|error| error.to_string());
        assert!(plan("index").is_some_and(|error| error.contains("index.csv: is there already")));
        assert!(plan("../net1").is_some_and(|error| error.contains("cannot be the name of a file")));
        assert!(picture.contains(">net1</text>") && picture.matches("<line ").count() > 100, "{picture}");
    }
}
