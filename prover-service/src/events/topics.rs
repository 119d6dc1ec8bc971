//! The channels of subscriptions: one for each job or request that is followed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::broadcast;

use super::message::{Message, RequestKey, Topic};

/// Largest number of messages that a subscription may be behind. A slower one reads the current
/// state instead.
const CAPACITY: usize = 16;

/// The channels. A message is sent only to the subscriptions of its topic, so a follower of one job
/// does no work for other jobs. Cheap to clone: all clones share the channels.
#[derive(Clone, Default)]
pub(super) struct Topics(Arc<Mutex<HashMap<Topic, broadcast::Sender<Message>>>>);

/// Receives the messages of a topic. The channel of a topic is removed with its last receiver.
pub(super) struct TopicReceiver {
    topics: Topics,
    topic: Topic,
    receiver: broadcast::Receiver<Message>,
}

impl Topics {
    /// Receives the messages of a topic that are sent from now on.
    pub(super) fn subscribe(&self, topic: Topic) -> TopicReceiver {
        let receiver = self
            .lock()
            .entry(topic.clone())
            .or_insert_with(|| broadcast::channel(CAPACITY).0)
            .subscribe();
        TopicReceiver {
            topics: self.clone(),
            topic,
            receiver,
        }
    }

    /// Sends a message to the subscriptions of a topic. Without subscriptions, it has no effect.
    pub(super) fn send(&self, topic: &Topic, message: Message) {
        if let Some(sender) = self.lock().get(topic) {
            // Sending fails only if there are no receivers.
            let _ = sender.send(message);
        }
    }

    /// Makes every subscription read the current state.
    pub(super) fn send_lost(&self) {
        for sender in self.lock().values() {
            let _ = sender.send(Message::Lost);
        }
    }

    /// Returns the ids of all followed jobs.
    pub(super) fn jobs(&self) -> Vec<String> {
        let topics = self.lock();
        let jobs = topics.keys().filter_map(|topic| match topic {
            Topic::Job(id) => Some(id.clone()),
            Topic::Request(_) => None,
        });
        jobs.collect()
    }

    /// Returns all followed requests.
    pub(super) fn requests(&self) -> Vec<RequestKey> {
        let topics = self.lock();
        let requests = topics.keys().filter_map(|topic| match topic {
            Topic::Request(key) => Some(key.clone()),
            Topic::Job(_) => None,
        });
        requests.collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, broadcast::Sender<Message>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TopicReceiver {
    /// Waits for the next message. Returns [`Message::Lost`] if messages were lost. Dropping the
    /// future loses no message.
    pub(super) async fn next(&mut self) -> Message {
        self.receiver.recv().await.unwrap_or(Message::Lost)
    }
}

impl Drop for TopicReceiver {
    fn drop(&mut self) {
        let mut topics = self.topics.lock();
        // This receiver still counts.
        if topics
            .get(&self.topic)
            .is_some_and(|sender| sender.receiver_count() <= 1)
        {
            topics.remove(&self.topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, poll};

    use super::*;

    fn job(id: &str) -> Message {
        Message::Job {
            id: id.to_owned(),
            state: "running".to_owned(),
            stage: None,
            progress: None,
            eta_ms: None,
        }
    }

    #[tokio::test]
    async fn a_subscription_receives_only_the_messages_of_its_topic() {
        let topics = Topics::default();
        let (one, other) = (Topic::Job("one".to_owned()), Topic::Job("other".to_owned()));
        let mut receiver = topics.subscribe(one.clone());
        topics.send(&other, job("other"));
        assert!(poll!(Box::pin(receiver.next())).is_pending());
        topics.send(&one, job("one"));
        assert_eq!(receiver.next().await.topic(), Some(one));
        topics.send_lost();
        assert!(matches!(receiver.next().await, Message::Lost));
    }

    #[tokio::test]
    async fn a_slow_subscription_learns_that_messages_were_lost() {
        let topics = Topics::default();
        let topic = Topic::Job("one".to_owned());
        let mut receiver = topics.subscribe(topic.clone());
        for _ in 0..=CAPACITY {
            topics.send(&topic, job("one"));
        }
        assert!(matches!(receiver.next().now_or_never(), Some(Message::Lost)));
    }

    #[test]
    fn a_channel_is_removed_with_its_last_receiver() {
        let topics = Topics::default();
        let topic = Topic::Job("one".to_owned());
        let (first, second) = (topics.subscribe(topic.clone()), topics.subscribe(topic));
        drop(first);
        assert_eq!(topics.jobs(), ["one"]);
        drop(second);
        assert!(topics.jobs().is_empty());
    }
}
