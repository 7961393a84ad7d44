//! Aligned columns that fit the terminal.

use super::style::Paint;
use super::text;

/// What stands between two columns.
const GAP: usize = 2;
/// What stands before a line below a row.
pub(crate) const INDENT: &str = "  ";
/// No column is made narrower than this to fit the terminal, …
const NARROWEST: usize = 10;
/// … and the first one not narrower than this.
const FIRST_NARROWEST: usize = 30;

/// A table: titles, and rows of cells.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// A column's title, and which side its cells keep to.
#[derive(Debug)]
struct Column {
    title: &'static str,
    to_the_right: bool,
}

#[derive(Debug)]
struct Row {
    cells: Vec<String>,
    below: Vec<String>,
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

    /// Adds a row: one cell per column, each made one line.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| text::one_line(&cell)).collect();
        self.rows.push(Row { cells, below: Vec::new() });
    }

    /// Adds a line below the newest row, across all columns and as it is.
    pub(crate) fn below(&mut self, line: String) {
        if let Some(row) = self.rows.last_mut() {
            row.below.push(line);
        }
    }

    /// The table as text, cut to so many columns of a terminal if there is a limit.
    pub(crate) fn render(&self, limit: Option<usize>, paint: Paint) -> String {
        let widths = self.widths(limit);
        let limit = limit.unwrap_or(usize::MAX);
        let titles = self.line(self.columns.iter().map(|column| column.title), &widths);
        let mut shown = format!("{}\n", paint.bold(text::cut(&titles, limit)));
        for row in &self.rows {
            let cells = self.line(row.cells.iter().map(String::as_str), &widths);
            shown.extend([&*text::cut(&cells, limit), "\n"]);
            for line in &row.below {
                shown.extend([INDENT, line, "\n"]);
            }
        }
        shown
    }

    fn line<'a>(&self, cells: impl Iterator<Item = &'a str>, widths: &[usize]) -> String {
        let mut line = String::new();
        for ((cell, column), &width) in cells.zip(&self.columns).zip(widths) {
            let cell = text::cut(cell, width);
            let padding = " ".repeat(width - text::width(&cell));
            let (before, after) = if column.to_the_right { (&*padding, "") } else { ("", &*padding) };
            line.extend([before, &*cell, after, &" ".repeat(GAP)]);
        }
        line.truncate(line.trim_end().len());
        line
    }

    /// How many columns of a terminal the table takes if nothing is cut, lines below rows left aside.
    pub(crate) fn width(&self) -> usize {
        self.natural_widths().iter().sum::<usize>() + GAP * self.columns.len().saturating_sub(1)
    }

    fn natural_widths(&self) -> Vec<usize> {
        let width = |(at, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.cells.get(at));
            cells.map(|cell| text::width(cell)).chain([text::width(column.title)]).max().unwrap_or(0)
        };
        self.columns.iter().enumerate().map(width).collect()
    }

    /// The widths of the columns. Where there is not enough room columns of text give way, the widest first; the first one,
    /// which says what a row is about, only when the others have done their part.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths = self.natural_widths();
        for _ in limit.unwrap_or(usize::MAX)..self.width() {
            let Some((first, others)) = widths.split_first_mut() else { break };
            let texts =
                others.iter_mut().zip(self.columns.iter().skip(1)).filter(|(_, column)| !column.to_the_right);
            match texts.map(|(width, _)| width).max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ if *first > FIRST_NARROWEST => *first -= 1,
                _ => break,
            }
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::super::style::{ColorChoice, Paint};
    use super::Table;

    fn table() -> Table {
        let mut table = Table::new().left("MODEL").right("PRICE").left("CAN");
        table.row(["openai/gpt-4o", "2.50", "tools\nand reasoning"].map(str::to_owned));
        table.below("says hello".to_owned());
        table.row(["a", "free", ""].map(str::to_owned));
        table
    }

    fn shown(limit: Option<usize>) -> String {
        table().render(limit, Paint::new(ColorChoice::Never, false))
    }

    #[test]
    fn columns_are_aligned() {
        let expected = "\
MODEL          PRICE  CAN
openai/gpt-4o   2.50  tools and reasoning
  says hello
a               free
";
        assert_eq!(shown(None), expected);
        assert_eq!(table().width(), 41);
        assert_eq!(shown(Some(41)), expected);
    }

    #[test]
    fn what_is_less_important_gives_way() {
        let expected = "\
MODEL          PRICE  CAN
openai/gpt-4o   2.50  tools and…
  says hello
a               free
";
        assert_eq!(shown(Some(32)), expected);
        assert!(shown(Some(16)).starts_with("MODEL          …\nopenai/gpt-4o  …\n"), "{}", shown(Some(16)));
    }
}
