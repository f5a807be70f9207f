//! Rings: files that name each other in a circle, so that none can be understood, tested or moved without the others.

use super::source::{Name, absolute, module_of, names, split};
use std::collections::{BTreeMap, BTreeSet};

/// Two files may name each other, a type and its part; more may not form a ring.
const FILES_MAX: usize = 2;

/// Every ring of files.
///
/// An arrow goes from the file that names something to the file that defines it. Declaring `mod x;` is no arrow, and neither
/// is a `pub use`, unless the file uses the name in its own code: a folder's face only passes on what others ask for, so
/// their arrows go through it to the file behind. Modules within a file, which are tests, count as no part of it.
pub fn rings(files: &[(String, String)]) -> Vec<String> {
    let reached = reached(&arrows(files));
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut rings = Vec::new();
    for (from, to) in &reached {
        let back = |other: &&&str| reached.get(**other).is_some_and(|to| to.contains(from));
        let ring: Vec<&str> = to.iter().filter(back).copied().collect();
        if ring.len() > FILES_MAX && seen.insert(ring[0]) {
            rings.push(format!(
                "{} files name each other in a ring: move what they share below them: {}",
                ring.len(),
                ring.join(", ")
            ));
        }
    }
    rings
}

type Arrows<'f> = BTreeMap<&'f str, BTreeSet<&'f str>>;

/// The files that each file's code depends on.
pub fn arrows(files: &[(String, String)]) -> Arrows<'_> {
    let tree = Tree::new(files);
    let mut arrows = Arrows::new();
    for (module, file) in &tree.files {
        let own_code = |name: &&Name| !name.inline && name.import.is_none();
        let used: BTreeSet<&str> = (file.names.iter().filter(own_code))
            .map(|name| name.segments()[0])
            .collect();
        let passed_on = |name: &&Name| {
            let import = name.import.as_ref();
            import.is_some_and(|import| import.public && !used.contains(import.name.as_str()))
        };
        let counts = |name: &&Name| !name.inline && !passed_on(name);
        let targets = (file.names.iter().filter(counts))
            .filter_map(|name| tree.definition(module, &name.segments(), 0))
            .filter(|target| *target != file.path);
        arrows.insert(file.path, targets.collect());
    }
    arrows
}

/// All that can be reached from each file.
fn reached<'f>(arrows: &Arrows<'f>) -> Arrows<'f> {
    let reach = |from: &'f str| {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        let mut left = vec![from];
        while let Some(file) = left.pop() {
            let targets = arrows.get(file).into_iter().flatten();
            left.extend(targets.filter(|target| found.insert(target)));
        }
        found
    };
    arrows.keys().map(|file| (*file, reach(file))).collect()
}

/// The source files by module.
struct Tree<'f> {
    files: BTreeMap<Vec<&'f str>, File<'f>>,
}

struct File<'f> {
    path: &'f str,
    names: Vec<Name>,
}

impl<'f> Tree<'f> {
    fn new(files: &'f [(String, String)]) -> Tree<'f> {
        let file = |(path, source): &'f (String, String)| {
            let names = names(&split(source).0);
            Some((module_of(path)?, File { path, names }))
        };
        Tree {
            files: files.iter().filter_map(file).collect(),
        }
    }

    /// The file that defines what a module calls by a path, followed through the imports of the files on the way. `None` for
    /// what other crates define, and for modules: what is used of them is named by other paths.
    fn definition(&self, module: &[&str], segments: &[&str], depth: usize) -> Option<&'f str> {
        // An import may be of its own name, as that of a macro is.
        if depth > 8 {
            return None;
        }
        let path = self.absolute(module, segments, depth)?;
        let (module, rest) = (0..=path.len())
            .rev()
            .map(|length| path.split_at(length))
            .find(|(module, _)| self.files.contains_key(*module))?;
        let file = &self.files[module];
        let (first, rest) = rest.split_first()?;
        match file.import(first) {
            Some(import) if import.path != *first => {
                let through = [&import.segments(), rest].concat();
                self.definition(module, &through, depth + 1)
            }
            _ => Some(file.path),
        }
    }

    /// A path from the crate's root, if it is one of this crate: it may begin with an import or with a module below.
    fn absolute<'a>(
        &'a self,
        module: &[&'a str],
        segments: &[&'a str],
        depth: usize,
    ) -> Option<Vec<&'a str>> {
        if let Some(path) = absolute(module, segments) {
            return Some(path);
        }
        let (first, rest) = segments.split_first()?;
        let below = [module, &[*first]].concat();
        if self.files.contains_key(&below) {
            return Some([below.as_slice(), rest].concat());
        }
        let import = self.files.get(module)?.import(first)?;
        let through = [&import.segments(), rest].concat();
        match depth {
            0 if import.path != *first => self.absolute(module, &through, depth + 1),
            _ => None,
        }
    }
}

impl File<'_> {
    /// What the file calls by this name because of a `use`.
    fn import(&self, name: &str) -> Option<&Name> {
        let mut imports = self.names.iter().filter(|name| !name.inline);
        imports.find(|found| {
            let import = found.import.as_ref();
            import.is_some_and(|import| import.name == name)
        })
    }
}
