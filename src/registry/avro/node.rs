//! A schema as a table of nodes that name each other by their places, so that named types may contain themselves.

/// How one value is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    /// Days since 1970.
    Date,
    /// A local time.
    Local(Unit),
    /// A number with so many digits behind the point, in bytes.
    Decimal(u32),
    /// So many bytes.
    Fixed(usize),
    /// The same as a number with digits behind the point.
    FixedDecimal(usize, u32),
    /// Sixteen bytes.
    Uuid,
    /// The JSON texts of its symbols.
    Enum(Vec<Box<str>>),
    /// A list of values of another node.
    Array(usize),
    /// Names with values of another node.
    Map(usize),
    /// One of these.
    Union(Vec<usize>),
    Record(Vec<Field>),
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: Box<str>,
    /// The name in quotes, and a colon.
    pub label: Box<str>,
    pub node: usize,
}

/// What a local time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Millis,
    Micros,
    Nanos,
}
