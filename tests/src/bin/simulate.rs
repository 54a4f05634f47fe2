//! dev
use investbot_tests::simulator::explore::{Search, explore};
use investbot_tests::simulator::model::Model;
use investbot_tests::simulator::oracle::{Budget, Share, Named, Oracle};
use investbot_tests::simulator::world::{Scope, World};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let c: u32 = a[1].parse().unwrap();
    let f: u32 = a[2].parse().unwrap();
    let seeds: u64 = a[3].parse().unwrap();
    for model in Model::ALL {
        if a.len() > 5 && a[5] != model.name() && a[5] != "all" { continue; }
        for scope in Scope::ALL {
            if a.len() > 4 && a[4] != scope.name() && a[4] != "all" { continue; }
            let mut world = if seeds > 0 { World::large(model, scope) } else { World::small(model, scope) };
            world.budget = Budget { crashes: c, faults: f };
            if a.len() > 6 {
                let t = std::time::Instant::now();
                let secs: u64 = a[6].parse().unwrap();
                match investbot_tests::simulator::states::walk(&world, 2, Some(t + std::time::Duration::from_secs(secs))) {
                    Ok(w) => { println!("{} {}: {} schedules, {} lives, {} situations, {} left in {:?}: {:.1} us a life", model.name(), scope.name(), w.schedules, w.lives, w.situations, w.left, t.elapsed(), t.elapsed().as_secs_f64() * 1e6 / w.lives as f64);
                      if a.len() > 7 { println!("{}", w.coverage); } }
                    Err(failure) => println!("{} {}: FAILED {failure}", model.name(), scope.name()),
                }
                continue;
            }
            let t = std::time::Instant::now();
            let search = if seeds > 0 { Search::Random { seed: 1, seeds } } else { Search::Exhaustive(Share::WHOLE) };
            match explore(&search, world.budget, |o: &Oracle| world.run(o)) {
                Ok(n) => println!("{} {}: {n} in {:?}: {:.1} us", model.name(), scope.name(), t.elapsed(), t.elapsed().as_secs_f64() * 1e6 / n as f64),
                Err(failure) => println!("{} {}: FAILED {failure}", model.name(), scope.name()),
            }
        }
    }
}
