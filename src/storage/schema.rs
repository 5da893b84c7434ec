//! The ledger's own tables. A test compares them, and those of the areas, with the migrated database.

diesel::table! {
    events (position) {
        position -> BigInt,
        event_id -> Text,
        stream_kind -> Text,
        stream_id -> Text,
        version -> BigInt,
        #[sql_name = "type"]
        event_type -> Text,
        schema_version -> BigInt,
        data -> Text,
        actor -> Text,
        organisation -> Text,
        occurred_at -> BigInt,
        recorded_at -> BigInt,
        correlation_id -> Text,
        causation_id -> Nullable<Text>,
        leaf_hash -> Binary,
        region -> Nullable<Text>,
        owner -> Nullable<Text>,
    }
}

diesel::table! {
    head (id) {
        id -> BigInt,
        position -> BigInt,
        recorded_at -> BigInt,
        frontier -> Binary,
    }
}

diesel::table! {
    /// Roots of complete subtrees of the log's Merkle tree.
    log_nodes (level, number) {
        level -> BigInt,
        number -> BigInt,
        hash -> Binary,
    }
}

diesel::table! {
    receipts (organisation, key) {
        organisation -> Text,
        key -> Text,
        fingerprint -> Binary,
        created -> Bool,
        stream_kind -> Text,
        stream_id -> Text,
        version -> BigInt,
        position -> BigInt,
        refusal -> Nullable<Text>,
        recorded_at -> BigInt,
    }
}

diesel::table! {
    /// What may be recorded once only, and by which resource it is held.
    claims (namespace, value) {
        namespace -> Text,
        value -> Text,
        holder -> Text,
    }
}

diesel::table! {
    /// What states assert for figures across resources.
    facts (measure, resource, event_id, subject, from_position) {
        measure -> Text,
        resource -> Text,
        event_id -> Text,
        subject -> Text,
        region -> Text,
        value -> Text,
        occurred_on -> Text,
        from_position -> BigInt,
        until_position -> Nullable<BigInt>,
    }
}

diesel::table! {
    /// What each event adds to the figures.
    postings (position, ordinal) {
        position -> BigInt,
        ordinal -> BigInt,
        measure -> Text,
        month -> Text,
        region -> Text,
        organisation -> Text,
        value -> Text,
        count -> BigInt,
        sen -> BigInt,
    }
}

diesel::table! {
    /// The postings summed, span by span of the log.
    tallies (measure, span, month, region, organisation, value) {
        measure -> Text,
        span -> BigInt,
        month -> Text,
        region -> Text,
        organisation -> Text,
        value -> Text,
        count -> BigInt,
        sen -> BigInt,
    }
}

diesel::table! {
    subject_keys (subject) {
        subject -> Text,
        holder -> Text,
        lookup -> Nullable<Text>,
        wrapped -> Binary,
    }
}

diesel::table! {
    /// Who was shown whose personal data.
    looks (number) {
        number -> BigInt,
        looked_at -> BigInt,
        organisation -> Text,
        key -> Text,
        kind -> Text,
        record -> Text,
        subject -> Text,
        operation -> Text,
        request_id -> Text,
        purpose -> Nullable<Text>,
    }
}

diesel::table! {
    secrets (name) {
        name -> Text,
        wrapped -> Binary,
    }
}

diesel::table! {
    /// When keys and clients were last used; beside the log.
    key_uses (key_id) {
        key_id -> Text,
        last_used_at -> BigInt,
    }
}
