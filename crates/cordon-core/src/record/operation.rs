use super::Operation;

impl Operation {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Chat,
        Self::ListModels,
        Self::Embeddings,
        Self::Messages,
        Self::CountTokens,
        Self::Responses,
        Self::Infer,
        Self::Invocations,
        Self::DescribeModel,
        Self::Moderate,
        Self::UploadFile,
        Self::ListFiles,
        Self::DescribeFile,
        Self::ReadFile,
        Self::DeleteFile,
    ];

    /// The word that records have for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::ListModels => "list_models",
            Self::Embeddings => "embeddings",
            Self::Messages => "messages",
            Self::CountTokens => "count_tokens",
            Self::Responses => "responses",
            Self::Infer => "infer",
            Self::Invocations => "invocations",
            Self::DescribeModel => "describe_model",
            Self::Moderate => "moderate",
            Self::UploadFile => "upload_file",
            Self::ListFiles => "list_files",
            Self::DescribeFile => "describe_file",
            Self::ReadFile => "read_file",
            Self::DeleteFile => "delete_file",
        }
    }

    /// The operation of a word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == word)
    }

    /// Whether content comes with it, or leaves by it: lists and descriptions have none.
    pub const fn has_content(self) -> bool {
        match self {
            Self::Chat
            | Self::CountTokens
            | Self::Embeddings
            | Self::Infer
            | Self::Invocations
            | Self::Messages
            | Self::Moderate
            | Self::ReadFile
            | Self::Responses
            | Self::UploadFile => true,
            Self::DeleteFile
            | Self::DescribeFile
            | Self::DescribeModel
            | Self::ListFiles
            | Self::ListModels => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_records() {
        for operation in Operation::ALL {
            assert_eq!(serde_json::to_value(operation).unwrap(), operation.as_str());
            assert_eq!(Operation::parse(operation.as_str()), Some(operation));
        }
    }
}
