//! The text of a table (CSV): its encoding, its separator and its records. The page reads its tables with it, and the
//! command line its index.

use std::iter;

use csv_core::ReadFieldResult;
use yore::code_pages::CP1252;

/// Programs of Windows name the separator in a line before the table, `sep=;`.
const SEPARATOR_LINE: &str = "sep=";

/// A table as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableText {
    /// Its characters, without a byte order mark.
    pub text: String,
    /// True if its encoding is a guess: it is neither UTF-8 nor UTF-16, and was read as Windows-1252.
    pub is_guess: bool,
}

impl TableText {
    /// Decodes UTF-8 and UTF-16, with and without a byte order mark, and else Windows-1252, which Excel writes in Western
    /// Europe.
    pub fn decode(bytes: &[u8]) -> Self {
        let of = |text| Self { text, is_guess: false };
        let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
            // A byte that is left over at the end is damage, and shown as such.
            let units: Vec<u16> = bytes.chunks(2).map(|pair| pair.try_into().map_or(0xfffd, unit)).collect();
            of(String::from_utf16_lossy(&units))
        };
        match bytes {
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
            // A table begins with a letter of ASCII or a quote, which is half a zero in UTF-16.
            [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes),
            [0, first, ..] if *first != 0 => utf16(bytes, u16::from_be_bytes),
            [0xef, 0xbb, 0xbf, rest @ ..] => of(String::from_utf8_lossy(rest).into_owned()),
            _ => match str::from_utf8(bytes) {
                Ok(text) => of(text.to_owned()),
                Err(_) => Self { text: CP1252.decode(bytes).into_owned(), is_guess: true },
            },
        }
    }
}

/// A record of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// The line that it begins on, from 1.
    pub line: usize,
    /// Its fields, as they are.
    pub fields: Vec<String>,
}

impl Record {
    /// The first field that has one of these names, in the order of the names; upper case and spaces do not matter.
    pub fn find(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.fields.iter().position(|field| field.trim().to_lowercase() == **name))
    }
}

/// The first record, which names the columns, and those after it. The fields are separated as a line `sep=` before the
/// table says, or else by the first of comma, semicolon and tab under which `is_head` takes the first record.
pub fn records(text: &str, is_head: impl Fn(&Record) -> bool) -> (Record, impl Iterator<Item = Record>) {
    let (named, table, line) = separator_line(text);
    let head = |separator| separated(table, separator, line).next().unwrap_or_default();
    let guessed = || [b',', b';', b'\t'].into_iter().find(|separator| is_head(&head(*separator)));
    let mut all = separated(table, named.or_else(guessed).unwrap_or(b','), line);
    (all.next().unwrap_or_default(), all)
}

/// The separator that a line before the table names, the table, and the number of its first line.
fn separator_line(text: &str) -> (Option<u8>, &str, usize) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let first = first.trim_end_matches('\r').trim_matches('"');
    let named = first.get(..SEPARATOR_LINE.len()).filter(|start| start.eq_ignore_ascii_case(SEPARATOR_LINE));
    match (named, &first.as_bytes()[first.len().min(SEPARATOR_LINE.len())..]) {
        (Some(_), [separator]) => (Some(*separator), rest, 2),
        _ => (None, text, 1),
    }
}

/// The records of a table (RFC 4180), without empty lines. A record may have more or fewer fields than the first, and a
/// quote that is never closed ends with the text: tables are often written by hand.
fn separated(text: &str, separator: u8, first_line: usize) -> impl Iterator<Item = Record> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(separator).build();
    // No field is longer than the text. The reader wants room for one byte more before it ends a field.
    let mut field = vec![0; text.len() + 1];
    let mut rest = text.as_bytes();
    iter::from_fn(move || {
        let (mut fields, mut length) = (Vec::new(), 0);
        // Empty lines are no records.
        let skipped =
            rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).filter(|byte| **byte == b'\n').count();
        let line = first_line - 1 + skipped + reader.line() as usize;
        loop {
            let (result, read, written) = reader.read_field(rest, &mut field[length..]);
            rest = &rest[read..];
            length += written;
            match result {
                // The next call, with no input left, ends the last record.
                ReadFieldResult::InputEmpty => {}
                ReadFieldResult::Field { record_end } => {
                    fields.push(String::from_utf8_lossy(&field[..length]).into_owned());
                    length = 0;
                    if record_end {
                        return Some(Record { line, fields });
                    }
                }
                ReadFieldResult::OutputFull | ReadFieldResult::End => return None,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<Vec<String>> {
        let (head, rows) = records(text, |head| head.find(&["file"]).is_some());
        iter::once(head).chain(rows).map(|record| record.fields).collect()
    }

    #[test]
    fn lines_and_quotes_are_those_of_rfc_4180() {
        let of = |text, separator| separated(text, separator, 1).map(|record| record.fields).collect::<Vec<_>>();
        let found = of("a,\"b\nc\",d\"e\n\n,\n\"open,", b',');
        assert_eq!(found, [vec!["a", "b\nc", "d\"e"], vec!["", ""], vec!["open,"]]);
        assert_eq!(of("a\tb\rc\r\nd", b'\t'), [vec!["a", "b"], vec!["c"], vec!["d"]], "lines of any length");
    }

    #[test]
    fn a_record_knows_its_line() {
        let (head, rows) = records("sep=;\r\nfile;b\r\n\r\n\"x\r\ny\";1\r\nz;2\r\n", |_| false);
        let lines: Vec<usize> = iter::once(head).chain(rows).map(|record| record.line).collect();
        assert_eq!(lines, [2, 4, 6]);
    }

    #[test]
    fn a_separator_line_of_excel_is_obeyed_and_is_no_record() {
        for table in ["sep=;\r\nfile;a\r\nx;y", "SEP=;\nfile;a\nx;y", "\"sep=;\"\nfile;a\nx;y", "sep=\t\nfile\ta\nx\ty"]
        {
            assert_eq!(fields(table), [["file", "a"], ["x", "y"]], "{table:?}");
        }
        // A column of that name.
        assert_eq!(fields("sep=,file\n1,x"), [["sep=", "file"], ["1", "x"]]);
        assert_eq!(fields("separator,file\n1,x")[0], ["separator", "file"]);
        assert_eq!([fields("sep="), fields("sep=;"), fields("é")], [vec![vec!["sep="]], vec![vec![]], vec![vec!["é"]]]);
    }

    #[test]
    fn encodings_of_excel_and_others_are_read() {
        let table = "file;artist\r\nCafé – 1.wav;Ödland\r\n";
        let units = |to: fn(u16) -> [u8; 2]| table.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let (little, big) = (units(u16::to_le_bytes), units(u16::to_be_bytes));
        let windows = table.chars().map(|letter| if letter == '–' { 0x96 } else { letter as u8 });
        for (bytes, is_guess) in [
            (table.as_bytes().to_vec(), false),
            ([b"\xef\xbb\xbf".as_slice(), table.as_bytes()].concat(), false),
            ([b"\xff\xfe".as_slice(), &little].concat(), false),
            ([b"\xfe\xff".as_slice(), &big].concat(), false),
            (little, false),
            (big, false),
            (windows.collect(), true),
        ] {
            assert_eq!(TableText::decode(&bytes), TableText { text: table.to_owned(), is_guess }, "{bytes:?}");
        }
        // Damage of any kind gives some text.
        for bytes in [b"".as_slice(), b"a", b"\xff\xfe", b"\xff\xfea", b"\xff\xfe\x00\xd8", b"a\0b"] {
            let _ = TableText::decode(bytes);
        }
    }
}
