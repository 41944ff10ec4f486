//! Which columns are compared, and how: two schemas made one.

use super::cell::Target;
use super::key::Seed;
use super::logical::{Change, Logical, Pairing, pair};
use super::report::{NotCompared, SchemaChange, SchemaChangeKind};
use super::tolerance::Tolerance;

/// A column of one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name; of a field in a structure the path to it.
    pub name: String,
    /// What it holds.
    pub logical: Logical,
    /// May it hold nulls?
    pub nullable: bool,
    /// How it is nested, in the words of its format. Empty: it is not.
    pub shape: String,
    /// Does a row hold several of its values?
    pub repeated: bool,
}

/// What makes two schemas different. A column that one side does not have always does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// Anything: type, unit, nullability, order.
    Exact,
    /// A type of which B does not hold every value.
    #[default]
    Widen,
    /// No type, as long as the values can be compared.
    Values,
}

/// What a person chose of the columns.
#[derive(Clone, Debug, Default)]
pub struct ChosenColumns {
    /// Only these. Empty: all.
    pub only: Vec<String>,
    /// All but these.
    pub except: Vec<String>,
    /// What identifies a row.
    pub key: Vec<String>,
    /// How far numbers of a column may be apart; `*` is every column of floats.
    pub tolerances: Vec<(String, Tolerance)>,
    /// What makes two schemas different.
    pub strictness: Strictness,
}

/// A column that both sides have and that is compared.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedColumn {
    /// Its name.
    pub name: String,
    /// Which column of side A and of side B it is.
    pub at: [usize; 2],
    /// How its cells are compared.
    pub target: Target,
    /// What tells its cells from those of other columns.
    pub seed: Seed,
    /// Is it part of the key?
    pub is_key: bool,
    /// How far its numbers may be apart.
    pub tolerance: Option<Tolerance>,
}

/// How two data sets are compared.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The columns that are compared, in the order of side A.
    pub columns: Vec<PlannedColumn>,
    /// What differs between the schemas.
    pub changes: Vec<SchemaChange>,
    /// The columns that both sides have and that are not compared.
    pub not_compared: Vec<NotCompared>,
}

/// What is wrong with the chosen columns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No side has the column.
    #[error("{flag}: there is no column `{name}`")]
    Unknown {
        /// What names it.
        flag: &'static str,
        /// The name.
        name: String,
    },
    /// Only one side has the column of the key, or its types are not comparable.
    #[error("--key: column `{name}` is not compared: {why}")]
    Key {
        /// The name.
        name: String,
        /// Why.
        why: String,
    },
    /// The column does not hold numbers.
    #[error("{flag}: column `{name}` does not hold numbers")]
    NoNumbers {
        /// What names it.
        flag: &'static str,
        /// The name.
        name: String,
    },
    /// A key identifies: it is equal or not.
    #[error("--tolerance, --relative: column `{name}` is part of the key")]
    KeyTolerance {
        /// The name.
        name: String,
    },
    /// Rows whose numbers may be apart are not found by their hash.
    #[error(
        "--tolerance, --relative: a tolerance needs a key\nhint: `--key COLUMN` names what identifies a row"
    )]
    NoKey,
    /// Nothing is chosen.
    #[error("no column is left to compare")]
    Nothing,
}

const TOLERANCE: &str = "--tolerance, --relative";

impl Plan {
    /// Pairs the columns of both sides by name.
    ///
    /// # Errors
    /// Every mistake of what was chosen.
    pub fn new(a: &[Column], b: &[Column], chosen: &ChosenColumns) -> Result<Plan, Vec<PlanError>> {
        let mut errors = unknown(a, b, chosen);
        let mut plan = Plan {
            columns: Vec::new(),
            changes: Vec::new(),
            not_compared: Vec::new(),
        };
        for (at, column) in a
            .iter()
            .enumerate()
            .filter(|(_, one)| chosen.wants(&one.name))
        {
            match b.iter().position(|other| other.name == column.name) {
                Some(other) => plan.pair([at, other], [column, &b[other]], chosen, &mut errors),
                None => plan
                    .changes
                    .push(change(SchemaChangeKind::OnlyA, column, column, chosen)),
            }
        }
        for column in b.iter().filter(|one| chosen.wants(&one.name)) {
            if !a.iter().any(|other| other.name == column.name) {
                plan.changes
                    .push(change(SchemaChangeKind::OnlyB, column, column, chosen));
            }
        }
        plan.order(a, chosen);
        plan.keys(a, b, chosen, &mut errors);
        if !chosen.tolerances.is_empty() && chosen.key.is_empty() {
            errors.push(PlanError::NoKey);
        }
        let nothing = plan.columns.is_empty() && plan.changes.is_empty();
        if nothing && plan.not_compared.is_empty() && errors.is_empty() {
            errors.push(PlanError::Nothing);
        }
        if errors.is_empty() {
            Ok(plan)
        } else {
            Err(errors)
        }
    }

    fn pair(
        &mut self,
        at: [usize; 2],
        [a, b]: [&Column; 2],
        chosen: &ChosenColumns,
        errors: &mut Vec<PlanError>,
    ) {
        let Pairing { target, change: of } = pair(&a.logical, &b.logical);
        let kind = match of {
            Change::None => None,
            Change::Widened => Some(SchemaChangeKind::Widened),
            Change::Narrowed => Some(SchemaChangeKind::Narrowed),
            Change::Retyped => Some(SchemaChangeKind::Retyped),
            Change::Unit => Some(SchemaChangeKind::Unit),
        };
        self.changes
            .extend(kind.map(|kind| change(kind, a, b, chosen)));
        let is_typed =
            |column: &Column| !matches!(column.logical, Logical::Untyped | Logical::Json(_));
        if a.nullable != b.nullable && is_typed(a) && is_typed(b) {
            self.changes
                .push(change(SchemaChangeKind::Nullability, a, b, chosen));
        }
        let mut target = match target.and_then(|target| nested(a, b, target)) {
            Ok(target) => target,
            Err(why) => {
                let column = a.name.clone();
                self.not_compared.push(NotCompared { column, why });
                return;
            }
        };
        let is_key = chosen.key.iter().any(|key| covers(key, &a.name));
        let tolerance = chosen.tolerance(&a.name, target, a.repeated);
        if tolerance.is_some() {
            target = match target {
                // Untyped text is read as numbers.
                Target::Text if [a, b].iter().all(|one| one.logical == Logical::Untyped) => {
                    Target::Number
                }
                number if is_number(number) && !a.repeated => number,
                other => {
                    errors.push(PlanError::NoNumbers {
                        flag: TOLERANCE,
                        name: a.name.clone(),
                    });
                    other
                }
            };
            if is_key {
                let name = a.name.clone();
                errors.push(PlanError::KeyTolerance { name });
            }
        }
        self.columns.push(PlannedColumn {
            name: a.name.clone(),
            at,
            target,
            seed: Seed::of(&a.name),
            is_key,
            tolerance,
        });
    }

    /// Notes another order of the columns that both sides have.
    fn order(&mut self, a: &[Column], chosen: &ChosenColumns) {
        let moved = self
            .columns
            .windows(2)
            .find(|two| two[0].at[1] > two[1].at[1]);
        if let Some(column) = moved.map(|two| &a[two[1].at[0]]) {
            let of = change(SchemaChangeKind::Order, column, column, chosen);
            self.changes.push(of);
        }
    }

    fn keys(
        &self,
        a: &[Column],
        b: &[Column],
        chosen: &ChosenColumns,
        errors: &mut Vec<PlanError>,
    ) {
        for key in &chosen.key {
            if self.columns.iter().any(|column| covers(key, &column.name)) {
                continue;
            }
            let refused = self.not_compared.iter().find(|of| covers(key, &of.column));
            let has = |side: &[Column]| side.iter().any(|column| covers(key, &column.name));
            let why = match (refused, has(a), has(b)) {
                (Some(refused), ..) => refused.why.clone(),
                (None, false, false) => continue,
                (None, true, true) => "`--columns` or `--except` leaves it out".to_owned(),
                (None, true, false) => "only side A has it".to_owned(),
                (None, false, true) => "only side B has it".to_owned(),
            };
            errors.push(PlanError::Key {
                name: key.clone(),
                why,
            });
        }
    }

    /// Is a row identified by a key?
    pub fn has_key(&self) -> bool {
        self.columns.iter().any(|column| column.is_key)
    }

    /// May numbers of a column be apart?
    pub fn has_tolerance(&self) -> bool {
        self.columns.iter().any(|column| column.tolerance.is_some())
    }
}

impl ChosenColumns {
    fn wants(&self, name: &str) -> bool {
        let named = |names: &[String]| names.iter().any(|one| covers(one, name));
        // The key is compared whatever the columns are: it says which row is meant.
        let wanted = self.only.is_empty() || named(&self.only) || named(&self.key);
        wanted && !named(&self.except)
    }

    /// The tolerance of a column: what names it goes before `*`.
    fn tolerance(&self, name: &str, target: Target, repeated: bool) -> Option<Tolerance> {
        let named = self.tolerances.iter().find(|(of, _)| covers(of, name));
        let every = || {
            let is_float = matches!(target, Target::Float | Target::Single) && !repeated;
            let is_key = self.key.iter().any(|key| covers(key, name));
            self.tolerances
                .iter()
                .find(|(of, _)| of == "*" && is_float && !is_key)
        };
        named.or_else(every).map(|(_, tolerance)| tolerance.clone())
    }
}

/// Does a name mean this column: itself, or a structure that it is a field of?
fn covers(name: &str, column: &str) -> bool {
    column == name
        || column
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('.'))
}

fn is_number(target: Target) -> bool {
    matches!(
        target,
        Target::Int
            | Target::Float
            | Target::Single
            | Target::Decimal(_)
            | Target::Number
            | Target::Any
    )
}

/// Nested columns are compared when both are nested in the same way and their values have the same form.
fn nested(a: &Column, b: &Column, target: Target) -> Result<Target, String> {
    if a.shape != b.shape {
        let of = |column: &Column| match column.shape.as_str() {
            "" => "not nested".to_owned(),
            shape => format!("`{shape}`"),
        };
        return Err(format!("it is nested in another way: {}, {}", of(a), of(b)));
    }
    let scale = |column: &Column| match column.logical {
        Logical::Decimal { scale, .. } => Some(scale),
        _ => None,
    };
    let text = |column: &Column| column.logical == Logical::Text;
    let is_mixed = target == Target::Number || scale(a) != scale(b) || text(a) != text(b);
    if a.repeated && is_mixed {
        return Err(format!(
            "lists of {} and of {} are not compared",
            a.logical, b.logical
        ));
    }
    Ok(target)
}

fn change(kind: SchemaChangeKind, a: &Column, b: &Column, chosen: &ChosenColumns) -> SchemaChange {
    let is_difference = match chosen.strictness {
        Strictness::Exact => true,
        Strictness::Widen => !kind.is_harmless(),
        Strictness::Values => matches!(kind, SchemaChangeKind::OnlyA | SchemaChangeKind::OnlyB),
    };
    let typed = |column: &Column| {
        let nullable = if column.nullable { ", nullable" } else { "" };
        match kind {
            SchemaChangeKind::Nullability => format!("{}{nullable}", column.logical),
            _ => column.logical.to_string(),
        }
    };
    SchemaChange {
        column: a.name.clone(),
        kind,
        a: (kind != SchemaChangeKind::OnlyB).then(|| typed(a)),
        b: (kind != SchemaChangeKind::OnlyA).then(|| typed(b)),
        is_difference,
    }
}

/// Names that no side has.
fn unknown(a: &[Column], b: &[Column], chosen: &ChosenColumns) -> Vec<PlanError> {
    let tolerances = chosen.tolerances.iter().map(|(name, _)| name);
    let named = (chosen.only.iter().map(|name| ("--columns", name)))
        .chain(chosen.except.iter().map(|name| ("--except", name)))
        .chain(chosen.key.iter().map(|name| ("--key", name)))
        .chain(
            tolerances
                .filter(|name| *name != "*")
                .map(|name| (TOLERANCE, name)),
        );
    let is_known = |name: &str| a.iter().chain(b).any(|column| covers(name, &column.name));
    named
        .filter(|(_, name)| !is_known(name))
        .map(|(flag, name)| PlanError::Unknown {
            flag,
            name: name.clone(),
        })
        .collect()
}
