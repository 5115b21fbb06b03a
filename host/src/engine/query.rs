//! Which tasks are asked for: the engine's query for external tasks, with all of its filters and orders.

use jiff::Timestamp;

use crate::task::{TaskId, WorkerId};

/// Which tasks to list; every set field must hold (`ExternalTaskQueryDto`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskQuery {
    /// This one.
    pub id: Option<TaskId>,
    /// One of these; an empty list asks for nothing, here and below.
    pub ids: Vec<TaskId>,
    /// Of this topic.
    pub topic: Option<String>,
    /// Locked (or last locked) by this worker.
    pub worker_id: Option<WorkerId>,
    /// With an unexpired lock by the engine's clock, or without one.
    pub locked: Option<bool>,
    /// With retries left (or none set yet), or with none left: an incident.
    pub retries_left: Option<bool>,
    /// With a lock that expires, or expired, after this moment.
    pub lock_expires_after: Option<Timestamp>,
    /// With a lock that expires, or expired, before this moment.
    pub lock_expires_before: Option<Timestamp>,
    /// Of one of these BPMN activities.
    pub activity_ids: Vec<String>,
    /// Of this execution.
    pub execution_id: Option<String>,
    /// Of one of these process instances.
    pub process_instance_ids: Vec<String>,
    /// Of the process definition with this id, that is of one version.
    pub process_definition_id: Option<String>,
    /// Of one of the process definitions with these keys, in whichever version.
    pub process_definition_keys: Vec<String>,
    /// Of process definitions with this name.
    pub process_definition_name: Option<String>,
    /// Of process definitions with a name like this, `%` standing for any text.
    pub process_definition_name_like: Option<String>,
    /// Of one of these tenants.
    pub tenant_ids: Vec<String>,
    /// Suspended with its process instance, or not.
    pub suspended: Option<bool>,
    /// Of this priority or a higher one.
    pub priority_at_least: Option<i64>,
    /// Of this priority or a lower one.
    pub priority_at_most: Option<i64>,
    /// With process variables for which all of these hold.
    pub variables: Vec<Condition>,
    /// Whether names in `variables` are compared without regard to capitals.
    pub variable_names_ignore_case: bool,
    /// Whether texts in `variables` are compared without regard to capitals.
    pub variable_values_ignore_case: bool,
    /// The order, the first weighing most. Without one it is that of the ids, so that a cut answer is cut the same way
    /// each time.
    pub sorting: Vec<Sorting>,
}

/// One order of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sorting {
    /// By what.
    pub by: SortKey,
    /// In which direction.
    pub order: SortOrder,
}

/// What tasks can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortKey {
    /// The task's id.
    Id,
    /// The end of the lock.
    LockExpirationTime,
    /// The process instance's id.
    ProcessInstanceId,
    /// The process definition's id.
    ProcessDefinitionId,
    /// The process definition's key.
    ProcessDefinitionKey,
    /// The priority.
    TaskPriority,
    /// When the task was made.
    CreateTime,
    /// The tenant.
    TenantId,
}

impl SortKey {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Id,
        Self::LockExpirationTime,
        Self::ProcessInstanceId,
        Self::ProcessDefinitionId,
        Self::ProcessDefinitionKey,
        Self::TaskPriority,
        Self::CreateTime,
        Self::TenantId,
    ];

    /// The engine's name for it (`sortBy`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::LockExpirationTime => "lockExpirationTime",
            Self::ProcessInstanceId => "processInstanceId",
            Self::ProcessDefinitionId => "processDefinitionId",
            Self::ProcessDefinitionKey => "processDefinitionKey",
            Self::TaskPriority => "taskPriority",
            Self::CreateTime => "createTime",
            Self::TenantId => "tenantId",
        }
    }
}

/// A direction of sorting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortOrder {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

impl SortOrder {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Ascending, Self::Descending];

    /// The engine's name for it (`sortOrder`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        }
    }
}

/// What must hold for a process variable. Made by [`Condition::new`], which refuses what the engine would.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    name: String,
    operator: Operator,
    value: Comparand,
}

impl Condition {
    /// A condition.
    ///
    /// # Errors
    /// For an operator that cannot be used with such a value: the engine answers 500 to an order of truth values and of
    /// null, and finds nothing like a number.
    pub fn new(name: String, operator: Operator, value: Comparand) -> Result<Self, ConditionError> {
        let fits = match operator {
            Operator::Equal | Operator::NotEqual => true,
            Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual => {
                matches!(value, Comparand::Long(_) | Comparand::Double(_) | Comparand::Text(_))
            }
            Operator::Like | Operator::NotLike => matches!(value, Comparand::Text(_)),
        };
        if fits { Ok(Self { name, operator, value }) } else { Err(ConditionError { operator, value }) }
    }

    /// The variable's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is compared.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// With what it is compared.
    pub fn value(&self) -> &Comparand {
        &self.value
    }
}

/// An operator with a value that it cannot be used with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{}` compares with {}, found {}", .operator.name(), if .operator.is_pattern() { "a text" } else { "a number, a text or a date" }, .value.kind())]
pub struct ConditionError {
    operator: Operator,
    value: Comparand,
}

/// How a variable is compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// The same value.
    Equal,
    /// Another value. (A variable that is not there has none.)
    NotEqual,
    /// More than the value.
    Greater,
    /// The value or more.
    GreaterOrEqual,
    /// Less than the value.
    Less,
    /// The value or less.
    LessOrEqual,
    /// A text like the pattern, `%` standing for any text and `_` for one character.
    Like,
    /// A text that is not like the pattern.
    NotLike,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Equal,
        Self::NotEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Like,
        Self::NotLike,
    ];

    /// The engine's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "neq",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "gteq",
            Self::Less => "lt",
            Self::LessOrEqual => "lteq",
            Self::Like => "like",
            Self::NotLike => "notLike",
        }
    }

    /// Whether it compares with a pattern, which is a text always.
    pub fn is_pattern(self) -> bool {
        matches!(self, Self::Like | Self::NotLike)
    }
}

/// What a variable is compared with. A text that is a date in the engine's format is a date to the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparand {
    /// No value.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number; the engine compares numbers of all types with it.
    Long(i64),
    /// A fraction.
    Double(f64),
    /// A text.
    Text(String),
}

impl Comparand {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a truth value",
            Self::Long(_) | Self::Double(_) => "a number",
            Self::Text(_) => "a text",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_takes_the_values_that_the_engine_takes_with_it() {
        let values = [
            Comparand::Null,
            Comparand::Boolean(true),
            Comparand::Long(1),
            Comparand::Double(0.5),
            Comparand::Text("t".into()),
        ];
        let taken = |operator: Operator| {
            let takes = |value: &Comparand| Condition::new("v".into(), operator, value.clone()).is_ok();
            values.iter().map(takes).collect::<Vec<_>>()
        };
        for operator in Operator::ALL {
            let expected = match operator {
                Operator::Equal | Operator::NotEqual => [true; 5],
                Operator::Like | Operator::NotLike => [false, false, false, false, true],
                _ => [false, false, true, true, true],
            };
            assert_eq!(taken(operator), expected, "{operator:?}");
        }
        let error = Condition::new("v".into(), Operator::Like, Comparand::Long(1)).expect_err("refused");
        insta::assert_snapshot!(error, @"`like` compares with a text, found a number");
        let error = Condition::new("v".into(), Operator::Less, Comparand::Null).expect_err("refused");
        insta::assert_snapshot!(error, @"`lt` compares with a number, a text or a date, found null");
    }
}
