//! A function of the application's, and what it returns, without their types.

use std::any::Any;

/// What a change returned, or why it refused.
pub(crate) type Value = Box<dyn Any + Send>;

/// A change of the data. It may run several times; its last run counts.
pub(crate) trait Change<T>: Send {
    fn run(&mut self, data: &mut T) -> Result<Value, Value>;

    /// A copy that others may run.
    fn boxed(&self) -> Box<dyn Change<T>>;
}

/// A change that can't refuse.
pub(crate) struct Total<F>(pub(crate) F);

impl<T, R, F> Change<T> for Total<F>
where
    R: Send + 'static,
    F: FnOnce(&mut T) -> R + Clone + Send + 'static,
{
    fn run(&mut self, data: &mut T) -> Result<Value, Value> {
        Ok(Box::new(self.0.clone()(data)))
    }

    fn boxed(&self) -> Box<dyn Change<T>> {
        Box::new(Self(self.0.clone()))
    }
}

/// A change that may refuse.
pub(crate) struct Refusable<F>(pub(crate) F);

impl<T, R, E, F> Change<T> for Refusable<F>
where
    R: Send + 'static,
    E: Send + 'static,
    F: FnOnce(&mut T) -> Result<R, E> + Clone + Send + 'static,
{
    fn run(&mut self, data: &mut T) -> Result<Value, Value> {
        match self.0.clone()(data) {
            Ok(value) => Ok(Box::new(value)),
            Err(refusal) => Err(Box::new(refusal)),
        }
    }

    fn boxed(&self) -> Box<dyn Change<T>> {
        Box::new(Self(self.0.clone()))
    }
}
