use super::*;

fn entry(id: &str) -> DatasetClip {
    DatasetClip::new(id.to_owned(), format!("{id}.wav"))
}

fn of(classes: &[(&str, usize)]) -> Dataset {
    let mut dataset = Dataset::default();
    let clips = |&(class, count): &(&str, usize)| {
        (0..count).map(move |clip| (class.to_owned(), entry(&format!("{class}{clip}")))).collect::<Vec<_>>()
    };
    dataset.add(classes.iter().flat_map(clips).collect());
    dataset
}

fn sizes(dataset: &Dataset) -> Vec<(&str, usize)> {
    dataset.classes().iter().map(|class| (class.name.as_str(), class.clips.len())).collect()
}

#[test]
fn classes_of_another_dataset_are_added_as_they_are() {
    let mut dataset = of(&[("a", 2)]);
    let tagged = DatasetClip { group: Some("x".to_owned()), tags: vec!["slow".to_owned()], ..entry("a0") };
    let class = |name: &str, clips| Class { name: name.to_owned(), clips };
    let added = vec![class("a", vec![tagged.clone(), entry("a1"), entry("a9")]), class("empty", Vec::new())];
    assert_eq!(dataset.add_classes(added), 2);
    assert_eq!(sizes(&dataset), [("a", 3), ("empty", 0)]);
    assert_eq!(dataset.classes()[0].clips[0], tagged);
    // Metadata that the other dataset lacks stays.
    dataset.add_classes(vec![class("a", vec![entry("a0")])]);
    assert_eq!(dataset.classes()[0].clips[0], tagged);
    let (_, clips) = dataset.job();
    assert_eq!(clips[0].group.as_deref(), Some("x"));
    assert!(dataset.undo() && dataset.undo());
    assert_eq!(sizes(&dataset), [("a", 2)]);
}

#[test]
fn every_change_can_be_undone() {
    let mut dataset = of(&[("a", 3), ("b", 2)]);
    let before = sizes(&dataset).into_iter().map(|(name, size)| (name.to_owned(), size)).collect::<Vec<_>>();
    let changes: [fn(&mut Dataset); 6] = [
        |c| c.remove("a", "a1"),
        |c| c.shift("a", "a0", "b"),
        |c| c.rename("a", "z"),
        |c| c.rename("a", "b"),
        |c| c.remove_class("b"),
        |c| c.add_class("new"),
    ];
    for change in changes {
        change(&mut dataset);
        let after = sizes(&dataset).into_iter().map(|(name, size)| (name.to_owned(), size)).collect::<Vec<_>>();
        assert_ne!(after, before);
        assert!(dataset.undo());
        let now = sizes(&dataset).into_iter().map(|(name, size)| (name.to_owned(), size)).collect::<Vec<_>>();
        assert_eq!(now, before);
    }
}

#[test]
fn stored_classes_are_restored_beside_new_ones() {
    let mut dataset = of(&[("b", 2), ("c", 1)]);
    dataset.restore(of(&[("a", 1), ("b", 1)]).classes().to_vec());
    assert_eq!(sizes(&dataset), [("a", 1), ("b", 2), ("c", 1)]);
    assert!(!dataset.can_undo(), "an undo would remove what was stored");
}

#[test]
fn what_changes_nothing_is_no_change() {
    let mut dataset = of(&[("a", 1)]);
    dataset.rename("a", " a ");
    dataset.rename("nobody", "b");
    dataset.shift("a", "a0", "a");
    dataset.remove("a", "nobody");
    dataset.add_class("  ");
    assert!(dataset.undo() && dataset.is_empty(), "only the first change can be undone");
    assert!(!dataset.undo());
}

#[test]
fn the_same_file_is_in_a_class_once() {
    let mut dataset = of(&[("a", 2)]);
    assert_eq!(dataset.add(vec![("a".to_owned(), entry("a0")), ("b".to_owned(), entry("a1"))]), 1);
    assert_eq!(sizes(&dataset), [("a", 2), ("b", 1)]);
    let twice = DatasetWarning::Twice { clip: "a1.wav".to_owned(), classes: ["a".to_owned(), "b".to_owned()] };
    assert!(dataset.warnings().contains(&twice) && twice.forbids());
    dataset.rename("b", "a");
    assert_eq!(sizes(&dataset), [("a", 2)]);
}

#[test]
fn warnings_say_what_is_wrong_with_a_dataset() {
    assert_eq!(of(&[]).warnings(), [DatasetWarning::TooFewClasses]);
    assert_eq!(of(&[("a", 9)]).warnings(), [DatasetWarning::TooFewClasses]);
    assert_eq!(of(&[("a", 9), ("b", 9)]).warnings(), []);
    assert_eq!(of(&[("a", 9), ("b", 4)]).warnings(), [DatasetWarning::Few("b".to_owned(), 4)]);
    let lopsided = DatasetWarning::Lopsided { largest: "a".to_owned(), smallest: "b".to_owned() };
    assert_eq!(of(&[("a", 30), ("b", 6)]).warnings(), [lopsided]);
    let mut dataset = of(&[("a", 9), ("b", 2), ("c", 9)]);
    dataset.add_class("d");
    dataset.set_outcome("b0", &Err("it is silent".to_owned()));
    let found = dataset.warnings();
    assert_eq!(found[0], DatasetWarning::Single("b".to_owned()));
    assert!(found.contains(&DatasetWarning::Empty("d".to_owned())), "{found:?}");
}

#[test]
fn clips_by_one_artist_alone_leave_nothing_to_judge_by() {
    let mut dataset = of(&[("a", 9), ("b", 9)]);
    let apply = |dataset: &mut Dataset, rows: &[(&str, usize, &str)]| {
        let row = |(class, count, artist): &(&str, usize, &str)| {
            (0..*count).map(|clip| format!("{class}{clip}.wav,{artist}\n")).collect::<String>()
        };
        let table = format!("file,artist\n{}", rows.iter().map(row).collect::<String>());
        dataset.apply(&Table::parse(&table).unwrap());
    };
    let one =
        |class: Option<&str>| DatasetWarning::OneArtist { class: class.map(str::to_owned), artist: "x".to_owned() };
    apply(&mut dataset, &[("a", 9, "x"), ("b", 8, "x")]);
    assert_eq!(dataset.warnings(), [one(Some("a"))], "a clip without an artist is by nobody");
    apply(&mut dataset, &[("b", 9, "x")]);
    assert_eq!(dataset.warnings(), [one(None)]);
    assert!(one(None).forbids() && !one(Some("a")).forbids());
    apply(&mut dataset, &[("a", 1, "y"), ("b", 1, "y")]);
    assert_eq!(dataset.warnings(), []);
}

#[test]
fn names_of_classes_are_one_line() {
    let mut dataset = Dataset::default();
    dataset.add(vec![(" a\nb ".to_owned(), entry("1")), ("a b".to_owned(), entry("2"))]);
    assert_eq!(sizes(&dataset), [("a b", 2)]);
    dataset.rename("a b", "\u{1b}[31m");
    assert_eq!(sizes(&dataset), [("[31m", 2)]);
}

#[test]
fn a_job_has_the_clips_that_can_be_decoded() {
    let mut dataset = of(&[("a", 3), ("b", 1), ("c", 2)]);
    dataset.set_outcome("b0", &Err("it is silent".to_owned()));
    dataset.set_outcome("a0", &Ok(2.5));
    assert_eq!(dataset.classes()[0].seconds(), 2.5);
    let (labels, clips) = dataset.job();
    assert_eq!(labels, ["a", "c"]);
    let labels: Vec<usize> = clips.iter().map(|clip| clip.labels[0]).collect();
    assert_eq!(labels, [0, 0, 0, 1, 1]);
}
