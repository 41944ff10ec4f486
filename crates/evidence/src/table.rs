#[cfg(test)]
mod tests;

use crate::columns::{ColumnFile, ColumnReader, Kind, ROWS_PER_GROUP, Values};
use crate::{BlockId, EvidenceError, Folder, RunDirectory};
use std::collections::BTreeMap;
use understudy_model::stored::Table;

/// The number of rows, if every column has as many.
fn rows(table: &Table) -> Result<usize, EvidenceError> {
    let expected = table.columns.first().map_or(0, |(_, values)| values.len());
    let mut columns = table.columns.iter();
    match columns.find(|(_, values)| values.len() != expected) {
        None => Ok(expected),
        Some((column, values)) => Err(EvidenceError::Uneven {
            column: column.clone(),
            found: values.len(),
            expected,
        }),
    }
}

impl RunDirectory {
    /// Writes the table of a block: whole or not at all.
    pub fn write_table(
        &self,
        folder: Folder,
        id: &BlockId,
        table: &Table,
    ) -> Result<(), EvidenceError> {
        let rows = rows(table)?;
        let path = self.block_to_write(folder, id)?;
        let columns: Vec<_> = table
            .columns
            .iter()
            .map(|(name, _)| (name.as_str(), Kind::Number))
            .collect();
        let mut file = ColumnFile::create(&path, &columns)?;
        for start in (0..rows).step_by(ROWS_PER_GROUP) {
            let end = rows.min(start + ROWS_PER_GROUP);
            let group: Vec<_> = table
                .columns
                .iter()
                .map(|(_, values)| Values::Number(values[start..end].to_vec()))
                .collect();
            file.write_group(&group)?;
        }
        file.finish(&BTreeMap::new())
    }

    /// Reads the table of a block.
    pub fn read_table(&self, folder: Folder, id: &BlockId) -> Result<Table, EvidenceError> {
        let file = ColumnReader::open(&self.block_to_read(folder, id)?)?;
        let mut columns = Vec::new();
        for name in file.names() {
            let mut values = Vec::new();
            for group in 0..file.groups() {
                values.extend(file.numbers(group, &name)?);
            }
            columns.push((name, values));
        }
        Ok(Table { columns })
    }
}
