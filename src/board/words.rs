//! What the pages say, in each language: `words/LANGUAGE.toml`, all of it and none mixed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Simplified Chinese.
    Chinese,
    /// English.
    English,
}

static CHINESE: LazyLock<Words> = LazyLock::new(|| Words::read(include_str!("words/zh-CN.toml")));
static ENGLISH: LazyLock<Words> = LazyLock::new(|| Words::read(include_str!("words/en.toml")));

/// The words of a language, by section and name.
struct Words(BTreeMap<String, BTreeMap<String, String>>);

impl Words {
    fn read(text: &str) -> Self {
        Self(toml::from_str(text).unwrap_or_default())
    }
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::Chinese, Self::English];

    /// As pages and records name it.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }

    /// As its speakers call it.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::Chinese => "中文",
            Self::English => "English",
        }
    }

    /// The language of a tag.
    pub fn of(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// The first of ours that a browser asks for.
    pub fn accepted(header: &str) -> Option<Self> {
        header.split(',').find_map(|part| {
            let tag = part.split(';').next().unwrap_or_default().trim();
            let main = tag.split('-').next().unwrap_or_default();
            match main.to_ascii_lowercase().as_str() {
                "zh" => Some(Self::Chinese),
                "en" => Some(Self::English),
                _ => None,
            }
        })
    }

    /// The word of a section; what is not known is shown as it is, such as a trigger of a newer detector.
    pub fn word<'a>(self, section: &str, name: &'a str) -> &'a str {
        let words: &'static Words = match self {
            Self::Chinese => &CHINESE,
            Self::English => &ENGLISH,
        };
        let found = words.0.get(section).and_then(|section| section.get(name));
        found.map_or(name, String::as_str)
    }

    /// All names that a section has words for.
    pub fn names(self, section: &str) -> Vec<&'static str> {
        let words: &'static Words = match self {
            Self::Chinese => &CHINESE,
            Self::English => &ENGLISH,
        };
        let section = words.0.get(section);
        section
            .into_iter()
            .flat_map(|words| words.keys().map(String::as_str))
            .collect()
    }

    /// A word of the pages themselves.
    pub fn say(self, name: &str) -> &str {
        self.word("page", name)
    }

    /// A sentence of the pages with values in it: each `{}` takes the next one.
    pub fn fill(self, name: &str, values: &[&str]) -> String {
        self.fill_of("page", name, values)
    }

    /// The same of another section.
    pub fn fill_of(self, section: &str, name: &str, values: &[&str]) -> String {
        let mut parts = self.word(section, name).split("{}");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for (part, value) in parts.zip(values) {
            text += value;
            text += part;
        }
        text
    }

    /// A number of things, in the form that the number asks for.
    pub fn count(self, name: &str, number: u64) -> String {
        let one = format!("{name}_one");
        let form = if number == 1 { &one } else { name };
        self.fill(form, &[&number.to_string()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_the_same_things() {
        let names = |words: &Words| -> Vec<String> {
            let of = |(section, words): (&String, &BTreeMap<String, String>)| {
                words
                    .keys()
                    .map(|name| format!("{section}.{name}"))
                    .collect::<Vec<_>>()
            };
            words.0.iter().flat_map(of).collect()
        };
        assert!(names(&ENGLISH).len() > 100);
        assert_eq!(names(&CHINESE), names(&ENGLISH));
        for (section, words) in &ENGLISH.0 {
            for (name, english) in words {
                let chinese = &CHINESE.0[section][name];
                let holes = |text: &str| text.matches("{}").count();
                assert_eq!(holes(english), holes(chinese), "{section}.{name}");
            }
        }
    }

    #[test]
    fn a_browser_gets_the_first_of_our_languages() {
        assert_eq!(
            Language::accepted("de,en;q=0.8,zh;q=0.5"),
            Some(Language::English)
        );
        assert_eq!(Language::accepted("zh-TW"), Some(Language::Chinese));
        assert_eq!(Language::accepted("de"), None);
        assert_eq!(Language::English.fill("left", &["3 h"]), "3 h left");
    }
}
