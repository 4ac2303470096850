//! The table of all endpoints. What reads a request, what answers and what the document says come from it.

use crate::identity::Verb::{
    ChangeResources, Diagnose, EraseContent, LabelFindings, ManageHolds, ManageKeys, ManagePeople, OwnAccess,
    Plan, Quarantine, ReadContent, ReadPeople, ReadProofs, ReadRecords, ReviewHeld,
};

use super::{
    endpoint::{Endpoint, Group, delete, get, open_get, open_post, post},
    follow, handlers, held,
    openapi::faults::{
        ALTERED, CROWDED, DISABLED, FORGOTTEN, GONE, IN_USE, INVALID, LOCKED, NO_PERSON, NOT_FOUND, NOT_KEPT,
        ONESELF, OTHER_ORIGIN, PASSWORD, PENDING, REFUSED, SESSION_NEEDED, SLOW_DOWN, TAKEN, TOO_MANY,
        UNAUTHENTICATED,
    },
    people,
};

/// Where the API is.
pub(super) const API: &str = "/api/v1";
/// Where the published log is.
pub(super) const LEDGER: &str = "/ledger";

/// Everything that the document tells, in its order.
pub(super) fn groups() -> Vec<Group> {
    vec![
        Group { prefix: API, name: "resources", says: "What is declared.", endpoints: resources() },
        Group { prefix: API, name: "keys", says: "Callers' keys.", endpoints: keys() },
        Group { prefix: API, name: "calls", says: "The record of calls.", endpoints: calls() },
        Group {
            prefix: API,
            name: "content",
            says: "Captured content, and holds on it.",
            endpoints: content(),
        },
        Group {
            prefix: API,
            name: "quarantine",
            says: "The kill switch: what is out of every route.",
            endpoints: quarantine(),
        },
        Group {
            prefix: API,
            name: "held",
            says: "Files that are held until a person has looked at them.",
            endpoints: held(),
        },
        Group { prefix: API, name: "oneself", says: "One's own access.", endpoints: oneself() },
        Group { prefix: API, name: "people", says: "The people who operate Cordon.", endpoints: people() },
        Group {
            prefix: API,
            name: "sign-in",
            says: "The way in, for those who show nothing yet.",
            endpoints: open(),
        },
        Group { prefix: API, name: "server", says: "The server itself.", endpoints: server() },
        Group {
            prefix: LEDGER,
            name: "ledger",
            says: "The published log, as C2SP tlog-tiles describes it.",
            endpoints: ledger(),
        },
        Group { prefix: "", name: "machines", says: "For the machines around it.", endpoints: machines() },
    ]
}

/// Below [`API`], for those who are known.
pub(super) fn known() -> Vec<Endpoint> {
    [resources(), keys(), calls(), content(), quarantine(), held(), oneself(), people(), server()]
        .into_iter()
        .flatten()
        .collect()
}

fn resources() -> Vec<Endpoint> {
    vec![
        get(ReadRecords, "/resources", "listResources", "Resources, by kind and name.", handlers::list),
        get(ReadRecords, "/resources/{kind}/{name}", "readResource", "One resource.", handlers::one)
            .fails(&[NOT_FOUND]),
        delete(
            ChangeResources,
            "/resources/{kind}/{name}",
            "deleteResource",
            "Takes a resource away, if nothing needs it.",
            handlers::delete,
        )
        .fails(&[NOT_FOUND, IN_USE, REFUSED, CROWDED, INVALID]),
        get(
            ReadRecords,
            "/resources/{kind}/{name}/history",
            "readHistory",
            "What a resource went through, latest first.",
            handlers::history,
        )
        .fails(&[NOT_FOUND]),
        post(
            Plan,
            "/plan",
            "plan",
            "What applying documents would change, and what it would have meant for recent calls. Changes nothing.",
            handlers::plan,
        )
        .fails(&[INVALID]),
        post(
            ChangeResources,
            "/apply",
            "apply",
            "Makes documents true: all of them, or none.",
            handlers::apply,
        )
        .fails(&[INVALID, CROWDED, REFUSED]),
        post(
            Plan,
            "/inspect",
            "inspect",
            "What would be found in a text or a file, in which decoded views or parts, and what a guard would do about it. Changes and keeps nothing.",
            handlers::inspect,
        )
        .secret()
        .fails(&[NOT_FOUND, INVALID]),
        get(
            ReadRecords,
            "/routes",
            "listRoutes",
            "Routes as they are at the moment: mode, targets, and how their breakers are. By name.",
            handlers::routes,
        ),
        get(
            ReadRecords,
            "/detectors",
            "listDetectors",
            "Detectors as they are at the moment: what their self-tests say, their breakers, and how often they answered. By name.",
            handlers::detectors,
        ),
        get(
            ReadRecords,
            "/limits/usage",
            "listLimitUsage",
            "How much of limits and budgets is used at the moment, the most used first.",
            handlers::limits_in_use,
        ),
        get(
            ReadRecords,
            "/schema/{kind}",
            "readSchema",
            "The JSON Schema of documents of a kind.",
            handlers::schema,
        ),
    ]
}

fn keys() -> Vec<Endpoint> {
    let refused = [NOT_FOUND, REFUSED, CROWDED, INVALID];
    vec![
        get(ReadRecords, "/keys", "listKeys", "Callers' keys, without their secrets, by id.", handlers::keys),
        post(
            ManageKeys,
            "/keys",
            "createKey",
            "Makes a key. Its secret stays with whoever made it: only the digest is sent.",
            handlers::create_key,
        )
        .fails(&refused),
        post(
            ManageKeys,
            "/keys/{id}/rotate",
            "rotateKey",
            "Makes a key that takes the place of another one.",
            handlers::rotate_key,
        )
        .fails(&refused),
        post(ManageKeys, "/keys/{id}/revoke", "revokeKey", "Makes a key void at once.", handlers::revoke_key)
            .fails(&refused),
    ]
}

fn calls() -> Vec<Endpoint> {
    vec![
        get(ReadRecords, "/calls", "listCalls", "Calls, latest first.", handlers::calls),
        get(
            ReadRecords,
            "/calls/follow",
            "followCalls",
            "Each call when it ends. `limit` says how many that have ended come first: 10 where it is absent.",
            follow::calls,
        )
        .lasts(),
        get(
            ReadRecords,
            "/calls/live",
            "watchCalls",
            "The newest calls as they end, for people who look on, and how many others ended. `limit` as in followCalls.",
            follow::live,
        )
        .lasts(),
        get(ReadRecords, "/calls/{id}", "readCall", "One call with its frames.", handlers::call)
            .fails(&[NOT_FOUND]),
        get(ReadProofs, "/calls/{id}/proof", "proveCall", "The proof of a call.", handlers::proof)
            .fails(&[NOT_FOUND, PENDING]),
        get(
            ReadContent,
            "/calls/{id}/content",
            "readContent",
            "What was kept of a call: all of it, or one object. Who reads it is recorded before it is given.",
            handlers::content,
        )
        .fails(&[OTHER_ORIGIN, NOT_FOUND, NOT_KEPT, ALTERED, LOCKED, GONE]),
        get(
            ReadRecords,
            "/findings/rates",
            "readRates",
            "What became of calls, by route, caller, operation or channel: how many requests were rejected, how many calls held, and in how many something was not read, with intervals.",
            handlers::rates,
        )
        .fails(&[INVALID]),
        get(
            ReadRecords,
            "/findings/categories",
            "readCategories",
            "In how many calls each category was found, and what was done about it, of all routes or of each.",
            handlers::categories,
        )
        .fails(&[INVALID]),
        get(
            ReadRecords,
            "/findings/curve",
            "readCurve",
            "What each threshold of a category would have meant, by recorded scores and by what people said of findings.",
            handlers::curve,
        )
        .fails(&[INVALID]),
        get(
            ReadRecords,
            "/findings/effectiveness",
            "readEffectiveness",
            "How much of what people said is right was blocked, held or redacted, by direction and category.",
            handlers::effectiveness,
        )
        .fails(&[INVALID]),
        get(
            ReadRecords,
            "/feedback",
            "listFeedback",
            "What people said of findings, latest first, with what the record says of each; the latest that was said of a finding counts.",
            handlers::feedback,
        ),
        post(
            LabelFindings,
            "/feedback",
            "labelFinding",
            "Says of a finding of a call that it is right or a false alarm, or withdraws that.",
            handlers::label,
        )
        .fails(&[NOT_FOUND, REFUSED, CROWDED, INVALID]),
    ]
}

fn content() -> Vec<Endpoint> {
    let refused = [NOT_FOUND, REFUSED, CROWDED, INVALID];
    vec![
        post(
            EraseContent,
            "/content/erase",
            "eraseContent",
            "Destroys the keys of captured content, of a call or of a person; answers with the certificate.",
            handlers::erase,
        )
        .fails(&refused),
        get(ReadRecords, "/holds", "listHolds", "Legal holds, by name.", handlers::holds),
        post(
            ManageHolds,
            "/holds",
            "setHold",
            "Sets a legal hold, on a call or on a person.",
            handlers::set_hold,
        )
        .fails(&refused),
        post(
            ManageHolds,
            "/holds/{name}/release",
            "releaseHold",
            "Releases a legal hold.",
            handlers::release_hold,
        )
        .fails(&refused),
    ]
}

fn quarantine() -> Vec<Endpoint> {
    vec![
        get(
            ReadRecords,
            "/quarantines",
            "listQuarantines",
            "What is quarantined, by subject; now also what the log does not know of yet.",
            handlers::quarantines,
        ),
        post(
            Quarantine,
            "/quarantines",
            "quarantine",
            "Takes a subject out of use. It is in force when the answer comes, also while the log is away.",
            handlers::quarantine,
        )
        .fails(&[NOT_FOUND, REFUSED, CROWDED, INVALID]),
        post(
            Quarantine,
            "/quarantines/lift",
            "liftQuarantine",
            "Gives a subject back; where it belongs to a system of high risk, when a second person says so too.",
            handlers::lift_quarantine,
        )
        .fails(&[NOT_FOUND, REFUSED, CROWDED, INVALID]),
        get(
            ReadRecords,
            "/quarantines/effect",
            "quarantineEffect",
            "What the quarantine of a subject would mean. Changes nothing.",
            handlers::quarantine_effect,
        )
        .fails(&[NOT_FOUND]),
        get(
            ReadRecords,
            "/triggers",
            "listTriggers",
            "Triggers as they are at the moment: what they see, what they did, and since when. By name.",
            handlers::triggers,
        ),
        post(
            Quarantine,
            "/triggers/lift",
            "liftTrigger",
            "Ends what a trigger did; where that is about a system of high risk, when a second person says so too.",
            handlers::lift_trigger,
        )
        .fails(&[NOT_FOUND, REFUSED, CROWDED, INVALID]),
    ]
}

fn held() -> Vec<Endpoint> {
    let refused = [NOT_FOUND, NOT_KEPT, ALTERED, LOCKED, GONE, ONESELF, REFUSED, CROWDED, INVALID];
    vec![
        get(
            ReadRecords,
            "/held",
            "listHeld",
            "Files, texts and calls of tools that wait for a review, the longest-waiting first; without their names and their content.",
            held::list,
        ),
        get(ReadRecords, "/held/{id}", "readHeld", "One held file, text or call of a tool.", held::one).fails(&[NOT_FOUND]),
        get(
            ReadContent,
            "/held/{id}/content",
            "readHeldContent",
            "The bytes of what is held, hostile as they are. Who reads them is recorded before they are given.",
            held::content,
        )
        .fails(&[OTHER_ORIGIN, NOT_FOUND, NOT_KEPT, ALTERED, LOCKED, GONE]),
        post(
            ReviewHeld,
            "/held/{id}/release",
            "releaseHeld",
            "Lets these bytes of this caller pass on this route where they would be held, until the release ends; a call of a tool once.",
            held::release,
        )
        .fails(&refused),
        post(
            ReviewHeld,
            "/held/{id}/reject",
            "rejectHeld",
            "Refuses these bytes of this caller on this route where they would be held, until the rejection ends.",
            held::reject,
        )
        .fails(&refused),
    ]
}

fn oneself() -> Vec<Endpoint> {
    vec![
        get(OwnAccess, "/me", "readMe", "Who asks, as the server sees them.", people::me),
        post(
            OwnAccess,
            "/me/password",
            "changePassword",
            "Another password for oneself. One's other sessions and tokens end.",
            people::change_password,
        )
        .secret()
        .fails(&[NO_PERSON, DISABLED, PASSWORD, SLOW_DOWN]),
        post(
            OwnAccess,
            "/me/tokens",
            "createToken",
            "Makes a personal token, shown this once; only in a session.",
            people::make_token,
        )
        .secret()
        .fails(&[NO_PERSON, SESSION_NEEDED, TOO_MANY, INVALID]),
        get(
            OwnAccess,
            "/me/sessions",
            "listMySessions",
            "One's own sessions and tokens, earliest first.",
            people::my_grants,
        ),
        delete(
            OwnAccess,
            "/me/sessions/{id}",
            "endMySession",
            "Ends one of one's own sessions or tokens.",
            people::end_my_grant,
        )
        .fails(&[NOT_FOUND]),
        post(OwnAccess, "/logout", "logOut", "Ends the session or token that asks.", people::logout),
    ]
}

fn people() -> Vec<Endpoint> {
    let refused = [NOT_FOUND, FORGOTTEN, ONESELF, REFUSED, CROWDED, INVALID];
    vec![
        get(ReadPeople, "/users", "listUsers", "Who is known, with roles, by id.", people::users),
        post(
            ManagePeople,
            "/users",
            "addUser",
            "Makes somebody known; answers with the secret to choose a password with, this once.",
            people::add_user,
        )
        .secret()
        .fails(&[TAKEN, REFUSED, CROWDED, INVALID]),
        get(ReadPeople, "/users/{id}", "readUser", "One person.", people::user).fails(&[NOT_FOUND]),
        post(ManagePeople, "/users/{id}/role", "setRole", "Gives somebody another role.", people::set_role)
            .fails(&refused),
        post(
            ManagePeople,
            "/users/{id}/disable",
            "disableUser",
            "Keeps somebody from signing in; sessions and tokens are void.",
            people::disable_user,
        )
        .fails(&refused),
        post(ManagePeople, "/users/{id}/enable", "enableUser", "Lets somebody sign in again.", people::enable_user)
            .fails(&refused),
        post(
            ManagePeople,
            "/users/{id}/reset",
            "resetUser",
            "Voids password, sessions and tokens; answers with the secret to choose another password with, this once.",
            people::reset_user,
        )
        .secret()
        .fails(&refused)
        .fails(&[TAKEN]),
        post(
            ManagePeople,
            "/users/{id}/revoke-sessions",
            "revokeSessions",
            "Voids all sessions and tokens of somebody.",
            people::revoke_sessions,
        )
        .fails(&refused),
        get(
            ReadPeople,
            "/sessions",
            "listSessions",
            "All sessions and tokens that are good now, earliest first.",
            people::grants,
        ),
        delete(ManagePeople, "/sessions/{id}", "endSession", "Ends a session or token.", people::end_grant)
            .fails(&[NOT_FOUND]),
    ]
}

/// Below [`API`], for everybody.
pub(super) fn open() -> Vec<Endpoint> {
    vec![
        open_post("/login", "logIn", "Begins a session with a password.", people::login).secret().fails(&[
            UNAUTHENTICATED,
            OTHER_ORIGIN,
            DISABLED,
            SLOW_DOWN,
        ]),
        open_post(
            "/login/token",
            "logInForToken",
            "Makes a personal token with a password.",
            people::token_login,
        )
        .secret()
        .fails(&[UNAUTHENTICATED, OTHER_ORIGIN, DISABLED, TOO_MANY, INVALID, SLOW_DOWN]),
        open_post(
            "/enrol",
            "enrol",
            "Chooses a password with the secret of an administrator, once.",
            people::enrol,
        )
        .secret()
        .fails(&[UNAUTHENTICATED, OTHER_ORIGIN, DISABLED, PASSWORD, SLOW_DOWN]),
    ]
}

fn server() -> Vec<Endpoint> {
    vec![
        get(ReadRecords, "/version", "readVersion", "Version and build.", handlers::version),
        get(
            Diagnose,
            "/doctor",
            "diagnose",
            "The checks of `cordon doctor`, seen from the server.",
            handlers::doctor,
        ),
        get(ReadRecords, "/openapi.json", "readOpenApi", "This document.", handlers::openapi),
    ]
}

/// Below [`LEDGER`], for those who are known.
pub(super) fn ledger() -> Vec<Endpoint> {
    vec![
        get(ReadProofs, "/checkpoint", "readCheckpoint", "The newest checkpoint.", handlers::checkpoint)
            .fails(&[NOT_FOUND]),
        get(
            ReadProofs,
            "/tile/{*path}",
            "readTile",
            "A tile: `path` is its level and index, such as `0/x001/067` or `entries/000.p/5`, slashes as they are.",
            handlers::tile,
        )
        .fails(&[NOT_FOUND]),
    ]
}

/// For everybody; no part of the API.
pub(super) fn machines() -> Vec<Endpoint> {
    vec![
        open_get("/healthz", "readHealth", "Whether the process runs.", handlers::alive),
        open_get("/readyz", "readReadiness", "Whether calls can be served.", handlers::ready),
        open_get("/metrics", "readMetrics", "Figures for Prometheus.", handlers::metrics),
    ]
}
