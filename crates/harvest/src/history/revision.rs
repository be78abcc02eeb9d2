//! What a person means by a revision: `HEAD`, a branch, a tag, a commit's name or its beginning, each
//! with `~N` and `^` behind it. Nothing more of git's own language is understood.

use gix::ObjectId;

use super::objects::commit;

/// Steps back from a name.
const STEPS: usize = 100_000;

/// The commit that a revision names.
pub fn resolve(repository: &gix::Repository, revision: &str) -> Result<ObjectId, String> {
    let end = revision.find(['~', '^']).unwrap_or(revision.len());
    let (name, rest) = revision.split_at(end);
    let mut id = named(repository, name)
        .ok_or_else(|| format!("`{revision}` names no commit of the repository"))?;
    for _ in 0..steps(rest).ok_or_else(|| format!("`{revision}` is no name of a revision"))? {
        let parents = commit(repository, id).map_err(str::to_owned)?.1;
        id = *parents
            .first()
            .ok_or_else(|| format!("`{revision}` goes back beyond the first commit"))?;
    }
    commit(repository, id).map_err(|why| {
        format!(
            "`{revision}` cannot be read ({why}); a shallow clone holds the newest commits alone"
        )
    })?;
    Ok(id)
}

/// How many first parents back `~N` and `^` lead.
fn steps(mut rest: &str) -> Option<usize> {
    let mut all = 0usize;
    while let Some(sign) = rest.chars().next() {
        rest = &rest[1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let count = match (sign, number) {
            ('~' | '^', "") | ('^', "1") => 1,
            ('~', number) => number.parse().ok()?,
            _ => return None,
        };
        all = all.checked_add(count).filter(|all| *all <= STEPS)?;
        rest = after;
    }
    Some(all)
}

fn named(repository: &gix::Repository, name: &str) -> Option<ObjectId> {
    let name = if name == "@" { "HEAD" } else { name };
    if name == "HEAD" {
        return Some(repository.head_id().ok()?.detach());
    }
    if let Ok(Some(mut reference)) = repository.try_find_reference(name) {
        return Some(reference.peel_to_id().ok()?.detach());
    }
    if let Ok(id) = ObjectId::from_hex(name.as_bytes()) {
        return Some(id);
    }
    let prefix = gix::hash::Prefix::from_hex(name).ok()?;
    let found = repository.objects.lookup_prefix(prefix, None).ok()??;
    found.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_back_are_added_up_and_nonsense_is_refused() {
        assert_eq!(steps(""), Some(0));
        assert_eq!(steps("~3^"), Some(4));
        assert_eq!(steps("^^~"), Some(3));
        for wrong in ["^2", "~x", "~99999999999999999999", "~1000000", "^{tree}"] {
            assert_eq!(steps(wrong), None, "{wrong}");
        }
    }
}
