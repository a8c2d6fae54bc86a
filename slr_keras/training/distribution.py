"""Where training runs: one device, the devices of this machine, or several machines."""

from typing import TYPE_CHECKING

from slr_keras.config.schema import DistributionConfig
from slr_keras.training.cluster import read_cluster
from slr_keras.utils.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf


def make_strategy(config: DistributionConfig) -> "tf.distribute.Strategy":
    """The `tf.distribute` strategy of a config.

    `multi_worker` reads the machines from the environment variable TF_CONFIG. Create this strategy
    before any other TensorFlow operation runs.

    Raises:
        UserError: a device does not exist, or TF_CONFIG is missing or does not describe a cluster.
    """
    import tensorflow as tf

    _grow_memory_as_needed()
    if config.strategy == "multi_worker":
        read_cluster()
        options = tf.distribute.experimental.CommunicationOptions(
            implementation=tf.distribute.experimental.CommunicationImplementation.AUTO
        )
        return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    devices = chosen_devices(config.devices)
    if config.strategy == "mirrored":
        return tf.distribute.MirroredStrategy(devices)
    if config.devices is None:
        return tf.distribute.get_strategy()
    if len(devices) > 1:
        raise UserError(
            f"distribution.devices: {len(devices)} devices for strategy single; "
            "name one, or use strategy mirrored"
        )
    return tf.distribute.OneDeviceStrategy(devices[0])


def chosen_devices(devices: tuple[str, ...] | int | None) -> list[str]:
    """Names of the devices to use.

    Args:
        devices: names; or a count, which takes the first devices of the fastest kind (GPU before
            CPU); None takes all of that kind.

    Raises:
        UserError: a device does not exist.
    """
    import tensorflow as tf

    present = {
        kind: [f"{kind}:{i}" for i in range(len(tf.config.list_logical_devices(kind)))]
        for kind in ("GPU", "CPU")
    }
    fastest = present["GPU"] or present["CPU"]
    if devices is None:
        return fastest
    if isinstance(devices, int):
        if devices > len(fastest):
            raise UserError(
                f"distribution.devices: {devices} requested; available are {', '.join(fastest)}"
            )
        return fastest[:devices]
    everything = present["GPU"] + present["CPU"]
    for device in devices:
        if device.upper().removeprefix("/").removeprefix("DEVICE:") not in everything:
            raise UserError(
                f"distribution.devices: no device {device}; available are {', '.join(everything)}"
            )
    return list(devices)


def is_chief(config: DistributionConfig) -> bool:
    """Whether this process writes the run; a cluster has one such process.

    The answer depends on the config and TF_CONFIG only, so TensorFlow need not be started.

    Raises:
        UserError: TF_CONFIG is absent or does not describe a cluster.
    """
    if config.strategy != "multi_worker":
        return True
    return read_cluster().chief


def across_machines(strategy: "tf.distribute.Strategy") -> bool:
    """Whether training runs in several processes."""
    import tensorflow as tf

    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def same_everywhere(strategy: "tf.distribute.Strategy", number: int) -> bool:
    """Whether all processes of a cluster have the same number."""
    import tensorflow as tf

    if not across_machines(strategy):
        return True
    local = tf.constant(float(number))

    @tf.function
    def mean_and_square():
        def on_replica():
            context = tf.distribute.get_replica_context()
            return context.all_reduce(tf.distribute.ReduceOp.MEAN, [local, local * local])

        return strategy.run(on_replica)

    mean, square = (strategy.experimental_local_results(v)[0] for v in mean_and_square())
    return float(mean) == number and float(square) == float(number) ** 2


def wait_for_all(strategy: "tf.distribute.Strategy") -> None:
    """Wait until every process of the cluster has reached this point.

    A process that exits earlier looks like a failure to the others.
    """
    same_everywhere(strategy, 0)


def local_replicas(strategy: "tf.distribute.Strategy") -> list[int]:
    """Global numbers of the replicas that this process drives."""
    total = strategy.num_replicas_in_sync
    if not across_machines(strategy):
        return list(range(total))
    resolver = strategy.cluster_resolver
    jobs = resolver.cluster_spec()
    workers = jobs.num_tasks("worker") if "worker" in jobs.jobs else 0
    chiefs = jobs.num_tasks("chief") if "chief" in jobs.jobs else 0
    here = resolver.task_id + (chiefs if resolver.task_type == "worker" else 0)
    each = total // (workers + chiefs)
    return list(range(here * each, (here + 1) * each))


def _grow_memory_as_needed() -> None:
    import tensorflow as tf

    for device in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(device, True)
        except RuntimeError:
            # The device is already initialised; its memory setting can no longer change.
            return
