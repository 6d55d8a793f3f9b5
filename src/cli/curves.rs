//! The curves of a run: a table and a picture.

use std::path::Path;

use plotters::prelude::*;

use super::CliError;
use super::output::write;
use crate::eval::report::EpochReport;
use crate::eval::report::Scores;

/// Writes `NAME.csv` and `NAME.svg`.
///
/// # Errors
///
/// [`CliError`] that names the file that cannot be written.
pub fn save(folder: &Path, name: &str, epochs: &[EpochReport]) -> Result<(), CliError> {
    std::fs::create_dir_all(folder).map_err(|source| CliError::File { path: folder.to_owned(), source })?;
    let path = folder.join(format!("{name}.csv"));
    write(&path, table(epochs).as_bytes())?;
    let path = folder.join(format!("{name}.svg"));
    let mut picture = String::new();
    draw(&mut picture, name, epochs).map_err(|error| CliError::content(&path, error))?;
    write(&path, picture.as_bytes())
}

fn table(epochs: &[EpochReport]) -> String {
    let names = match epochs.first().map(|epoch| epoch.valid) {
        Some(Scores::Tags { .. }) => "valid_roc_auc,valid_pr_auc",
        _ => "valid_accuracy,valid_balanced_accuracy",
    };
    let mut text = format!("epoch,train_loss,valid_loss,{names}\n");
    for EpochReport { epoch, train_loss, valid_loss, valid, .. } in epochs {
        let (first, second) = both(*valid);
        text += &format!("{epoch},{train_loss:.4},{valid_loss:.4},{first:.4},{second:.4}\n");
    }
    text
}

fn both(scores: Scores) -> (f64, f64) {
    match scores {
        Scores::Classes { accuracy, balanced_accuracy } => (accuracy, balanced_accuracy),
        Scores::Tags { roc_auc, pr_auc } => (roc_auc, pr_auc),
    }
}

/// Loss on the left axis, accuracy on the right one.
fn draw(picture: &mut String, name: &str, epochs: &[EpochReport]) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(picture, (720, 360)).into_drawing_area();
    area.fill(&WHITE)?;
    let losses = epochs.iter().flat_map(|epoch| [epoch.train_loss, epoch.valid_loss]);
    let highest = losses.filter(|loss| loss.is_finite()).fold(0.1, f64::max);
    let last = epochs.len().max(2) as f64;
    let mut chart = ChartBuilder::on(&area)
        .caption(name, ("sans-serif", 18))
        .margin(8)
        .set_label_area_size(LabelAreaPosition::Bottom, 36)
        .set_label_area_size(LabelAreaPosition::Left, 46)
        .set_label_area_size(LabelAreaPosition::Right, 46)
        .build_cartesian_2d(1.0..last, 0.0..highest * 1.05)?
        .set_secondary_coord(1.0..last, 0.0..1.0);
    chart.configure_mesh().x_desc("epoch").y_desc("loss").draw()?;
    chart.configure_secondary_axes().y_desc("validation accuracy or ROC-AUC").draw()?;
    // Members of an ensemble come one after the other.
    let points = |value: fn(&EpochReport) -> f64| {
        epochs.iter().enumerate().map(move |(index, epoch)| (index as f64 + 1.0, value(epoch)))
    };
    let [blue, orange, green] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115)];
    let stroke = |colour: RGBColor| move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour);
    let series = LineSeries::new(points(|epoch| epoch.train_loss), blue);
    chart.draw_series(series)?.label("training loss").legend(stroke(blue));
    let series = LineSeries::new(points(|epoch| epoch.valid_loss), orange);
    chart.draw_series(series)?.label("validation loss").legend(stroke(orange));
    let series = LineSeries::new(points(|epoch| epoch.valid.first()), green);
    chart.draw_secondary_series(series)?.label("validation accuracy or ROC-AUC (right)").legend(stroke(green));
    chart.configure_series_labels().border_style(BLACK).background_style(WHITE.mix(0.8)).draw()?;
    area.present()?;
    Ok(())
}
