//! Tables that fit the terminal: long cells are wrapped, and never cut.

use super::style::Paint;
use super::text;

/// The space between two columns.
const GAP: usize = 2;
/// The indent of a line below a row.
pub(crate) const INDENT: &str = "  ";
/// The minimum width of a text column: narrower cells would be single words below each other.
const MIN_COLUMN_WIDTH: usize = 16;

/// A table: titles, and rows of cells.
///
/// It is rendered in the first of three layouts that fits: cells on one line; text cells wrapped between
/// words; each row as a paragraph, with titles in front of the cells.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// A column's title and alignment.
#[derive(Debug)]
struct Column {
    title: &'static str,
    to_the_right: bool,
}

#[derive(Debug)]
struct Row {
    cells: Vec<String>,
    below: Vec<(String, Look)>,
}

/// The style of a line below a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look {
    Plain,
    Faint,
    Wrong,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { columns: Vec::new(), rows: Vec::new() }
    }

    /// Adds a column of text.
    pub(crate) fn left(mut self, title: &'static str) -> Self {
        self.columns.push(Column { title, to_the_right: false });
        self
    }

    /// Adds a column of numbers.
    pub(crate) fn right(mut self, title: &'static str) -> Self {
        self.columns.push(Column { title, to_the_right: true });
        self
    }

    /// Adds a row with one cell per column. Line breaks in a cell become spaces.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| text::one_line(&cell)).collect();
        self.rows.push(Row { cells, below: Vec::new() });
    }

    /// Adds a line below the newest row, across all columns.
    pub(crate) fn below(&mut self, line: &str, look: Look) {
        if let Some(row) = self.rows.last_mut() {
            row.below.push((text::one_line(line), look));
        }
    }

    /// Renders the table, within so many columns of a terminal if there is a limit.
    pub(crate) fn render(&self, limit: Option<usize>, paint: Paint) -> String {
        let widths = limit.map_or_else(|| Some(self.natural_widths()), |limit| self.widths(limit));
        let mut lines = Vec::new();
        if let Some(widths) = &widths {
            let titles: Vec<&str> = self.columns.iter().map(|column| column.title).collect();
            lines.extend(self.aligned(&titles, widths).into_iter().map(|line| paint.bold(line).to_string()));
        }
        for row in &self.rows {
            match &widths {
                Some(widths) => lines.extend(self.aligned(&row.cells, widths)),
                None => lines.extend(self.paragraph(row, limit.unwrap_or(usize::MAX), paint)),
            }
            for (line, look) in &row.below {
                let room = limit.map_or(usize::MAX, |limit| limit.saturating_sub(INDENT.len()));
                for line in text::wrap(line, room, 0) {
                    lines.push(format!("{INDENT}{}", look.paint(line, paint)));
                }
            }
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    /// The width of the table if no cell is wrapped, without the lines below rows.
    pub(crate) fn width(&self) -> usize {
        self.with_gaps(&self.natural_widths())
    }

    /// The lines of a row, with each cell wrapped to its width.
    fn aligned(&self, cells: &[impl AsRef<str>], widths: &[usize]) -> Vec<String> {
        let broken: Vec<Vec<String>> =
            cells.iter().zip(widths).map(|(cell, width)| text::wrap(cell.as_ref(), *width, 0)).collect();
        let height = broken.iter().map(Vec::len).max().unwrap_or(0);
        let line = |number: usize| {
            let mut line = String::new();
            for ((cell, column), &width) in broken.iter().zip(&self.columns).zip(widths) {
                let part = cell.get(number).map_or("", String::as_str);
                let padding = " ".repeat(width.saturating_sub(text::width(part)));
                let (before, after) = if column.to_the_right { (&*padding, "") } else { ("", &*padding) };
                line.extend([before, part, after, &" ".repeat(GAP)]);
            }
            line.trim_end().to_owned()
        };
        (0..height).map(line).collect()
    }

    /// A row as a paragraph: its first cell, and below it the others behind their titles, as many on a line
    /// as fit.
    fn paragraph(&self, row: &Row, limit: usize, paint: Paint) -> Vec<String> {
        let mut cells = row.cells.iter().zip(&self.columns);
        let mut lines: Vec<String> =
            cells.next().map(|(cell, _)| paint.bold(cell).to_string()).into_iter().collect();
        let mut current = String::new();
        for (cell, column) in cells.filter(|(cell, _)| !cell.is_empty()) {
            let entry = format!("{} {cell}", paint.dim(column.title));
            if !current.is_empty() && text::width(&current) + GAP + text::width(&entry) > limit {
                lines.push(std::mem::take(&mut current));
            }
            let gap = if current.is_empty() { INDENT.len() } else { GAP };
            current.push_str(&" ".repeat(gap));
            current.push_str(&entry);
        }
        lines.extend((!current.is_empty()).then_some(current));
        lines.iter().flat_map(|line| text::wrap(line, limit, 2 * INDENT.len())).collect()
    }

    fn with_gaps(&self, widths: &[usize]) -> usize {
        widths.iter().sum::<usize>() + GAP * self.columns.len().saturating_sub(1)
    }

    fn natural_widths(&self) -> Vec<usize> {
        self.of_columns(text::width)
    }

    /// The maximum of a measure over each column's cells.
    fn of_columns(&self, measure: impl Fn(&str) -> usize) -> Vec<usize> {
        let most = |(at, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.cells.get(at));
            cells.map(|cell| measure(cell)).chain([measure(column.title)]).max().unwrap_or(0)
        };
        self.columns.iter().enumerate().map(most).collect()
    }

    /// The widths of the columns within a limit. Text columns shrink, the widest first. `None` if a word, a
    /// number or the first cell of a row would be cut.
    fn widths(&self, limit: usize) -> Option<Vec<usize>> {
        let mut widths = self.natural_widths();
        let words = self.of_columns(text::widest_word);
        let least: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| match widths[at] {
                natural if at == 0 || column.to_the_right => natural,
                natural => words[at].max(MIN_COLUMN_WIDTH).min(natural),
            })
            .collect();
        while self.with_gaps(&widths) > limit {
            let room = widths.iter_mut().zip(&least).filter(|(width, least)| **width > **least);
            *room.map(|(width, _)| width).max()? -= 1;
        }
        Some(widths)
    }
}

impl Look {
    fn paint(self, line: String, paint: Paint) -> String {
        match self {
            Look::Plain => line,
            Look::Faint => paint.dim(line).to_string(),
            Look::Wrong => paint.red(line).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::style::{ColorChoice, Paint};
    use super::{Look, Table};

    fn table() -> Table {
        let mut table = Table::new().left("MODEL").right("PRICE").left("CAN").left("FINISH");
        table.row(["openai/gpt-4o", "2.50", "tools\nand reasoning and pictures", "stop"].map(str::to_owned));
        table.below("says hello to\neveryone who reads this line", Look::Plain);
        table.row(["a", "free", "", "length"].map(str::to_owned));
        table
    }

    fn shown(limit: Option<usize>) -> String {
        table().render(limit, Paint::new(ColorChoice::Never, false))
    }

    #[test]
    fn wide_table_is_aligned() {
        let expected = "\
MODEL          PRICE  CAN                               FINISH
openai/gpt-4o   2.50  tools and reasoning and pictures  stop
  says hello to everyone who reads this line
a               free                                    length
";
        assert_eq!(shown(None), expected);
        assert_eq!(table().width(), 62);
        assert_eq!(shown(Some(62)), expected);
    }

    #[test]
    fn narrow_table_wraps_text_first() {
        let expected = "\
MODEL          PRICE  CAN                  FINISH
openai/gpt-4o   2.50  tools and reasoning  stop
                      and pictures
  says hello to everyone who reads this line
a               free                       length
";
        assert_eq!(shown(Some(49)), expected);
    }

    #[test]
    fn narrowest_table_has_paragraphs() {
        let expected = "\
openai/gpt-4o
  PRICE 2.50
  CAN tools and reasoning and pictures
  FINISH stop
  says hello to everyone who reads this
  line
a
  PRICE free  FINISH length
";
        assert_eq!(shown(Some(40)), expected);
        let narrowest = shown(Some(20));
        for (word, times) in
            [("openai/gpt-4o", 1), ("2.50", 1), ("reasoning", 1), ("everyone", 1), ("length", 1)]
        {
            assert_eq!(narrowest.matches(word).count(), times, "{narrowest}");
        }
        assert!(narrowest.lines().all(|line| line.len() <= 20), "{narrowest}");
    }
}
