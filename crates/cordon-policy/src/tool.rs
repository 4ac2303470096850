use cordon_core::{
    Name,
    containment::ToolName,
    resource::{CheckedSchema, ToolSpec},
};

/// A tool as the data plane knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompiledTool {
    /// The resource's name.
    pub name: Name,
    /// What models call it.
    pub called: ToolName,
    /// What is declared of it.
    pub spec: ToolSpec,
    /// What its arguments must be.
    pub arguments: Option<CheckedSchema>,
}

impl CompiledTool {
    /// Compiles what a resource says. Every resource's name is one that a tool can have.
    pub fn new(name: &Name, spec: &ToolSpec) -> Option<Self> {
        let called = spec.called.clone().or_else(|| ToolName::parse(name.as_str()))?;
        let arguments = spec.arguments.as_deref().map(CheckedSchema::new);
        Some(Self { name: name.clone(), called, spec: spec.clone(), arguments })
    }
}
