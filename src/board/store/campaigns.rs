//! The tasks of a campaign.

use super::base::{Store, StoreError, Stored};
use super::filter::{Filter, Scope};
use super::tasks::{COLUMNS, Row, row_of};
use rusqlite::params_from_iter;
use zstd::bulk::Decompressor;

impl Store {
    /// Hands every task of the campaign between two moments to `each`, with its record, until it says stop. Tasks that are
    /// closed are left out, which those of customers are who have opted out since.
    ///
    /// # Errors
    /// The store refuses.
    pub fn each_of_campaign(
        &self,
        filter: &Filter,
        scope: &Scope,
        between: (i64, i64),
        mut each: impl FnMut(Row, &[u8]) -> bool,
    ) -> Stored<()> {
        self.read_long(|connection| {
            let mut condition = filter.condition(scope, i64::MAX);
            let (from, until) = between;
            condition.and(
                "contacted_at IS NULL AND campaign_at >= ? AND campaign_at < ?",
                [from.into(), until.into()],
            );
            let sql = format!(
                "SELECT {COLUMNS}, body FROM task INDEXED BY task_campaign JOIN record USING (number)
                 WHERE {} ORDER BY campaign_at, number",
                condition.sql
            );
            // In the order of the index: to sort a day by anything else takes memory for all of its records.
            // To make one for each record takes longer than to unpack it.
            let mut unpacker = Decompressor::new().map_err(StoreError::Unpacker)?;
            let mut find = connection.prepare_cached(&sql)?;
            let mut rows = find.query(params_from_iter(&condition.values))?;
            while let Some(row) = rows.next()? {
                let body = row.get_ref("body")?.as_blob().unwrap_or_default();
                let length = Decompressor::upper_bound(body).unwrap_or_default();
                let record = unpacker.decompress(body, length).unwrap_or_default();
                if !each(row_of(row)?, &record) {
                    break;
                }
            }
            Ok(())
        })
    }
}
