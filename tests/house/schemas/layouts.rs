//! The layouts that come with the program: what each makes of its sample, which is as the schemas say.

use super::inputs::schema_of;
use super::{assert_valid, validator};
use churnwatch::config::Config;
use churnwatch::decode::{LayoutText, Layouts, READY, Scratch};
use churnwatch::model::Feed;
use std::fs;
use std::path::PathBuf;

const FOLDER: &str = "schemas/layouts";

/// The sample of a layout: the file of its name that is not what becomes of it.
fn sample(name: &str) -> PathBuf {
    let files = fs::read_dir(format!("{FOLDER}/samples")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut files = files.filter(|path| path.file_stem().unwrap() == name);
    files
        .find(|path| !path.to_str().unwrap().ends_with(".expected"))
        .unwrap()
}

/// What a layout makes of its sample: records, a line each, and their feeds.
fn rewritten(name: &str, country: &str) -> Vec<(Feed, String)> {
    let text = READY.iter().find(|(ready, _)| *ready == name).unwrap().1;
    let layouts = Layouts::new(&[LayoutText {
        name: name.to_owned(),
        text: text.to_owned(),
    }])
    .unwrap();
    let country = format!(
        "decode.country = {country:?}\noperator = {{ name = \"own\", numbers = {{ own = {{ hotlines = [] }} }} }}\n"
    );
    let config = Config::from_toml_str(&country, "country").unwrap();
    let decoder = config.decoder.with_layouts(layouts);
    let sample = sample(name);
    let bytes = fs::read(&sample).unwrap();
    let mut lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let first = lines.clone().next().unwrap();
    let mut form = decoder.layouts().of_file(sample.to_str().unwrap(), first);
    let mut all = Vec::new();
    let mut scratch = Scratch::default();
    for (number, line) in lines.by_ref().enumerate() {
        if form.is_heading(line, number == 0).unwrap() {
            continue;
        }
        let mut record = Vec::new();
        let read = decoder.rewrite(&form, line, &mut scratch, &mut record);
        let read = read.unwrap_or_else(|reject| panic!("{name}: {reject}"));
        let Some(feed) = read.map(|read| read.feed()) else {
            continue;
        };
        all.push((feed, String::from_utf8(record).unwrap()));
    }
    all
}

#[test]
fn each_layout_that_is_there_is_part_of_the_program() {
    let mut there: Vec<String> = fs::read_dir(FOLDER)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    there.sort();
    let ready: Vec<&str> = READY.iter().map(|(name, _)| *name).collect();
    assert_eq!(there, ready);
}

#[test]
fn each_layout_makes_of_its_sample_what_stands_beside_it() {
    for (name, _) in READY {
        let country = match *name {
            "germany-calls" => "DE",
            "usa-usage" => "US",
            _ => "CN",
        };
        let made = rewritten(name, country);
        for (feed, record) in &made {
            let record = serde_json::from_str(record).unwrap();
            assert_valid(&validator(&schema_of(feed.name())), &record);
        }
        let made: Vec<&str> = made.iter().map(|(_, record)| record.as_str()).collect();
        let made = made.join("\n") + "\n";
        let beside = format!("{FOLDER}/samples/{name}.expected");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&beside, &made).unwrap();
        }
        assert_eq!(
            fs::read_to_string(&beside).unwrap_or_default(),
            made,
            "{name}"
        );
    }
}
