//! An endpoint: what is served and what the document says of it, in one value. There is no other way into the API's
//! routes, so nothing is served that is not documented, and nothing documented that is not served.

use axum::{
    Router,
    handler::Handler,
    http::Method,
    middleware,
    routing::{MethodFilter, MethodRouter, on},
};

use super::{
    Shared,
    access::under,
    idempotency::{Kept, once},
    in_time,
    openapi::{Described, Fault, Telling, faults},
};
use crate::identity::Verb;

/// An endpoint. `path` begins below the prefix of its group.
pub(super) struct Endpoint {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// The name of the operation.
    pub(super) id: &'static str,
    /// What it does, in a sentence.
    pub(super) says: &'static str,
    /// What the caller's role must include; nothing: it is open to those whom its group lets in.
    pub(super) verb: Option<Verb>,
    /// Problems beyond those of reading the request and of access.
    pub(super) faults: Vec<Fault>,
    pub(super) describe: fn(&mut Telling<'_>),
    routes: MethodRouter<Shared>,
    lasting: bool,
    /// What is kept of its answers for who asks again, where it changes something.
    pub(super) kept: Kept,
}

/// Endpoints below one prefix.
pub(super) struct Group {
    pub(super) prefix: &'static str,
    pub(super) name: &'static str,
    pub(super) says: &'static str,
    pub(super) endpoints: Vec<Endpoint>,
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident($($verb:ident: Verb)?) = $method:ident;)*) => {
        $(
            $(#[$doc])*
            pub(super) fn $name<H, T, D>(
                $($verb: Verb,)?
                path: &'static str,
                id: &'static str,
                says: &'static str,
                handler: H,
            ) -> Endpoint
            where
                H: Handler<T, Shared> + Described<D>,
                T: 'static,
            {
                let endpoint = Endpoint {
                    method: Method::$method,
                    path,
                    id,
                    says,
                    verb: None,
                    faults: Vec::new(),
                    describe: <H as Described<D>>::tell,
                    routes: on(MethodFilter::$method, handler),
                    lasting: false,
                    kept: Kept::Whole,
                };
                $(let endpoint = endpoint.under($verb);)?
                endpoint
            }
        )*
    };
}
methods! {
    /// `GET` for those whose role includes this.
    get(verb: Verb) = GET;
    /// `POST` for those whose role includes this.
    post(verb: Verb) = POST;
    /// `DELETE` for those whose role includes this.
    delete(verb: Verb) = DELETE;
    /// `GET` for everybody.
    open_get() = GET;
    /// `POST` for everybody.
    open_post() = POST;
}

impl Endpoint {
    fn under(mut self, verb: Verb) -> Self {
        self.faults.extend([faults::UNAUTHENTICATED, faults::FORBIDDEN]);
        if verb == Verb::ReadContent {
            self.faults.push(faults::PERSON_NEEDED);
        }
        if !self.is_safe() {
            self.faults.extend([faults::CSRF, faults::OTHER_ORIGIN, faults::TOO_LARGE]);
        }
        Self { verb: Some(verb), ..self }
    }

    /// It can also answer with these problems.
    pub(super) fn fails(mut self, faults: &[Fault]) -> Self {
        self.faults.extend(faults);
        self
    }

    /// It answers for as long as somebody reads: there is no time for the whole answer.
    pub(super) fn lasts(self) -> Self {
        Self { lasting: true, ..self }
    }

    /// What is sent or answered holds a secret.
    pub(super) fn secret(self) -> Self {
        Self { kept: Kept::Fact, ..self }
    }

    /// Whether it changes nothing.
    pub(super) fn is_safe(&self) -> bool {
        self.method == Method::GET
    }

    fn served(self, shared: &Shared) -> MethodRouter<Shared> {
        let safe = self.is_safe();
        let routes = if safe { self.routes } else { once(shared, self.kept, self.routes) };
        // Who may not ask is not told what was answered either.
        let routes = match self.verb {
            Some(verb) => under(verb, routes),
            None => routes,
        };
        if self.lasting { routes } else { routes.route_layer(middleware::from_fn(in_time)) }
    }
}

/// The routes of endpoints.
pub(super) fn routes(shared: &Shared, endpoints: Vec<Endpoint>) -> Router<Shared> {
    endpoints.into_iter().fold(Router::new(), |router, endpoint| {
        let path = endpoint.path;
        router.route(path, endpoint.served(shared))
    })
}
