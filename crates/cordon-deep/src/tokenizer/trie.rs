//! Which pieces begin at a place of a text.

/// The most nodes: a million pieces of a dozen bytes that share nothing.
const MAX_NODES: usize = 12 << 20;

/// Byte strings, each with a number.
#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
    /// The byte that leads to each node.
    labels: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    first: u32,
    count: u16,
    number: Option<u32>,
}

impl Trie {
    /// Of strings that are sorted and not empty, none of them twice; nothing where there are too many for its numbers.
    pub(super) fn of(sorted: &[(&[u8], u32)]) -> Option<Self> {
        Self::up_to(MAX_NODES, sorted)
    }

    fn up_to(most: usize, sorted: &[(&[u8], u32)]) -> Option<Self> {
        let mut trie = Self { nodes: vec![Node { first: 0, count: 0, number: None }], labels: vec![0] };
        // What begins with the way to a node, and how long that way is; nodes are made in this order.
        let mut open = std::collections::VecDeque::from([(0_usize, sorted, 0_usize)]);
        while let Some((at, mut below, depth)) = open.pop_front() {
            let mut number = None;
            if let Some(((string, own), rest)) = below.split_first()
                && string.len() == depth
            {
                (number, below) = (Some(*own), rest);
            }
            let first = u32::try_from(trie.nodes.len()).ok()?;
            let mut count = 0;
            for group in below.chunk_by(|(a, _), (b, _)| a.get(depth) == b.get(depth)) {
                let label = *group.first()?.0.get(depth)?;
                open.push_back((trie.nodes.len(), group, depth + 1));
                trie.nodes.push(Node { first: 0, count: 0, number: None });
                trie.labels.push(label);
                if trie.nodes.len() > most {
                    return None;
                }
                count += 1;
            }
            *trie.nodes.get_mut(at)? = Node { first, count, number };
        }
        Some(trie)
    }

    /// The strings that these bytes begin with, shortest first: how long each is, and its number.
    pub(super) fn begins<'t>(&'t self, bytes: &'t [u8]) -> impl Iterator<Item = (usize, u32)> + 't {
        let mut at = self.nodes.first().copied();
        bytes
            .iter()
            .enumerate()
            .map_while(move |(depth, byte)| {
                let node = at?;
                let first = node.first as usize;
                let labels = self.labels.get(first..first + usize::from(node.count))?;
                let child = first + labels.binary_search(byte).ok()?;
                at = self.nodes.get(child).copied();
                Some((depth + 1, at?.number))
            })
            .filter_map(|(length, number)| Some((length, number?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strings_that_begin_a_text_are_found() {
        let strings: [&[u8]; 5] = [b"a", b"ab", b"abcd", b"b", b"\xff"];
        let numbered: Vec<_> = strings.iter().copied().zip(0..).collect();
        let trie = Trie::of(&numbered).unwrap();
        let found = |text: &[u8]| trie.begins(text).collect::<Vec<_>>();
        assert_eq!(found(b"abcde"), [(1, 0), (2, 1), (4, 2)]);
        assert_eq!(found(b"abc"), [(1, 0), (2, 1)]);
        assert_eq!(found(b"\xffa"), [(1, 4)]);
        assert!(found(b"c").is_empty() && found(b"").is_empty());
        assert!(Trie::of(&[]).unwrap().begins(b"a").next().is_none());
    }

    #[test]
    fn too_many_nodes_are_refused() {
        let strings: [&[u8]; 3] = [b"ab", b"ac", b"b"];
        let numbered: Vec<_> = strings.iter().copied().zip(0..).collect();
        // The root, `a` and `b`, and the two below `a`.
        assert!(Trie::up_to(5, &numbered).is_some());
        assert!(Trie::up_to(4, &numbered).is_none());
    }
}
