use super::report::Report;
impl Report {
    /// The report as a page for a browser.
    pub fn page(&self) -> String {
        String::new()
    }
}
