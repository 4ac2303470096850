use cordon_core::Category;

/// How carefully content has to be handled, by what was found in it; the strictest of its findings counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sensitivity {
    /// Nothing was found that would say so. It may still be sensitive for what it says.
    #[default]
    Unclassified,
    /// It leads to a person: an address, a telephone number, a place.
    Confidential,
    /// Who has it can act as somebody, or pay: credentials, cards and accounts, numbers that a state gave.
    Restricted,
}

impl Sensitivity {
    /// All of them, from the mildest.
    pub const ALL: [Self; 3] = [Self::Unclassified, Self::Confidential, Self::Restricted];

    /// What a finding of this category makes of the content that it is in. What is neither a secret nor personal
    /// data makes nothing of it.
    ///
    /// ```
    /// use cordon_core::Category;
    /// use cordon_inspect::Sensitivity;
    /// assert_eq!(Sensitivity::of(&Category::known("pii/email")), Sensitivity::Confidential);
    /// assert_eq!(Sensitivity::of(&Category::known("secret/aws_key")), Sensitivity::Restricted);
    /// ```
    pub fn of(category: &Category) -> Self {
        /// Personal data that many know of a person. All other personal data is restricted, whatever is added to it.
        const KNOWN: [&str; 16] = [
            "address",
            "age",
            "birth_date",
            "company_id",
            "coordinates",
            "date",
            "device",
            "email",
            "ip",
            "organisation",
            "person",
            "phone",
            "place",
            "postcode",
            "url",
            "vehicle",
        ];
        let path = category.as_str();
        if path == "secret" || path.starts_with("secret/") {
            return Self::Restricted;
        }
        match path.strip_prefix("pii/") {
            Some(rest) if KNOWN.contains(&rest.split('/').next().unwrap_or(rest)) => Self::Confidential,
            Some(_) => Self::Restricted,
            None if path == "pii" => Self::Confidential,
            None => Self::Unclassified,
        }
    }

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unclassified => "unclassified",
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
        }
    }

    /// The class of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}

impl std::fmt::Display for Sensitivity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_is_last_and_words_lead_back() {
        for (path, class) in [
            ("pii/email", Sensitivity::Confidential),
            ("pii/card", Sensitivity::Restricted),
            ("pii/device/mac", Sensitivity::Confidential),
            ("pii/national_id/de", Sensitivity::Restricted),
            ("pii/anything_new", Sensitivity::Restricted),
            ("secret/generic", Sensitivity::Restricted),
            ("secretive", Sensitivity::Unclassified),
            ("prompt_injection/override", Sensitivity::Unclassified),
        ] {
            assert_eq!(Sensitivity::of(&Category::known(path)), class, "{path}");
        }
        assert!(Sensitivity::ALL.is_sorted());
        assert!(Sensitivity::ALL.into_iter().all(|class| Sensitivity::parse(class.as_str()) == Some(class)));
        assert_eq!(Sensitivity::parse("secret"), None);
    }
}
