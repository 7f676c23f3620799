//! Vendors' own usage objects made into disjoint counts: one file an API, because each counts differently.

mod anthropic_messages;
mod audio;
mod bedrock_converse;
mod fields;
mod gemini;
mod openai_chat;
mod openai_embeddings;
mod openai_images;
mod openai_responses;
mod openai_style;
mod rerank;

use serde_json::Value;

use super::meter::Counts;
use fields::Fields;
pub use fields::UsageError;

/// Which API a usage object comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageApi {
    /// OpenAI chat completions and everything that copies them.
    OpenAiChat,
    /// OpenAI responses.
    OpenAiResponses,
    /// OpenAI embeddings.
    OpenAiEmbeddings,
    /// OpenAI images.
    OpenAiImages,
    /// Anthropic messages.
    AnthropicMessages,
    /// Gemini and Vertex.
    GeminiGenerateContent,
    /// Amazon Bedrock Converse.
    BedrockConverse,
    /// Speech to text.
    AudioTranscription,
    /// Text to speech.
    AudioSpeech,
    /// Reranking.
    Rerank,
}

impl UsageApi {
    /// Every API with the name it has in files.
    pub const ALL: [(&'static str, Self); 10] = [
        ("openai.chat", Self::OpenAiChat),
        ("openai.responses", Self::OpenAiResponses),
        ("openai.embeddings", Self::OpenAiEmbeddings),
        ("openai.images", Self::OpenAiImages),
        ("anthropic.messages", Self::AnthropicMessages),
        ("gemini.generateContent", Self::GeminiGenerateContent),
        ("bedrock.converse", Self::BedrockConverse),
        ("audio.transcription", Self::AudioTranscription),
        ("audio.speech", Self::AudioSpeech),
        ("rerank", Self::Rerank),
    ];

    /// The API of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, api)| *api)
    }

    /// Disjoint counts of a usage object. Where the vendor's figures contradict each other the counts are
    /// never lower than what its parts or its total say, and are marked inconsistent.
    ///
    /// # Errors
    /// When a field that is needed is missing or is no count.
    pub fn counts(self, usage: &Value) -> Result<Counts, UsageError> {
        let usage = Fields::top(usage)?;
        match self {
            Self::OpenAiChat => openai_chat::counts(&usage),
            Self::OpenAiResponses => openai_responses::counts(&usage),
            Self::OpenAiEmbeddings => openai_embeddings::counts(&usage),
            Self::OpenAiImages => openai_images::counts(&usage),
            Self::AnthropicMessages => anthropic_messages::counts(&usage),
            Self::GeminiGenerateContent => gemini::counts(&usage),
            Self::BedrockConverse => bedrock_converse::counts(&usage),
            Self::AudioTranscription => audio::transcription(&usage),
            Self::AudioSpeech => audio::speech(&usage),
            Self::Rerank => rerank::counts(&usage),
        }
    }
}
