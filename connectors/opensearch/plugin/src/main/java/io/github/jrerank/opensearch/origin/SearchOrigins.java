package io.github.jrerank.opensearch.origin;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.opensearch.action.ActionRequest;
import org.opensearch.action.search.MultiSearchRequest;
import org.opensearch.action.search.SearchRequest;
import org.opensearch.action.support.ActionFilter;
import org.opensearch.action.support.ActionFilterChain;
import org.opensearch.cluster.node.DiscoveryNodes;
import org.opensearch.common.util.concurrent.ThreadContext;
import org.opensearch.core.action.ActionListener;
import org.opensearch.core.action.ActionResponse;
import org.opensearch.core.tasks.TaskId;
import org.opensearch.search.builder.SearchSourceBuilder;
import org.opensearch.search.collapse.CollapseBuilder;
import org.opensearch.tasks.Task;

/**
 * Knows the searches that nobody has asked this cluster for as they are: the part of another cluster's search, and the searches by
 * which OpenSearch fills the inner hits of a collapsed one. Pipelines are put upon these too, and nothing in them says what they are.
 *
 * A group search is known by its task: its parent is a multi-search whose own parent is a collapsed search under way.
 */
public final class SearchOrigins implements ActionFilter {
    private static final String GROUP_SEARCH = "jrerank.group_search";
    private static final String OTHER_CLUSTER = "jrerank.other_cluster";

    private final Set<TaskId> collapsing = ConcurrentHashMap.newKeySet();
    private final Set<TaskId> expanding = ConcurrentHashMap.newKeySet();
    private volatile ThreadContext threadContext;
    private volatile Supplier<DiscoveryNodes> nodes;

    /** Until then searches go by unlooked at. */
    public void begin(ThreadContext threadContext, Supplier<DiscoveryNodes> nodes) {
        this.nodes = nodes;
        this.threadContext = threadContext;
    }

    public boolean isGroupSearch() {
        return threadContext != null && threadContext.getTransient(GROUP_SEARCH) != null;
    }

    public boolean isOfOtherCluster() {
        return threadContext != null && threadContext.getTransient(OTHER_CLUSTER) != null;
    }

    /** `:` stands in no index's name, but in date math, whose expressions begin with `<`. */
    public static boolean goesToOtherCluster(SearchRequest request) {
        for (String index : request.indices()) {
            if (index.startsWith("<") == false && index.startsWith("-<") == false && index.indexOf(':') >= 0) {
                return true;
            }
        }
        return false;
    }

    @Override
    public int order() {
        return Integer.MAX_VALUE;
    }

    @Override
    public <Q extends ActionRequest, R extends ActionResponse> void apply(
        Task task,
        String action,
        Q request,
        ActionListener<R> listener,
        ActionFilterChain<Q, R> chain
    ) {
        if (threadContext == null || task == null) {
            chain.proceed(task, action, request, listener);
        } else if (request instanceof MultiSearchRequest && collapsing.contains(task.getParentTaskId())) {
            proceedKnown(expanding, task, action, request, listener, chain);
        } else if (request instanceof SearchRequest search && expanding.contains(task.getParentTaskId())) {
            proceedMarked(GROUP_SEARCH, task, action, request, listener, chain);
        } else if (request instanceof SearchRequest search && isFromOtherCluster(search, task)) {
            proceedMarked(OTHER_CLUSTER, task, action, request, listener, chain);
        } else if (request instanceof SearchRequest search && hasInnerHits(search.source())) {
            proceedKnown(collapsing, task, action, request, listener, chain);
        } else {
            chain.proceed(task, action, request, listener);
        }
    }

    private <Q extends ActionRequest, R extends ActionResponse> void proceedKnown(
        Set<TaskId> known,
        Task task,
        String action,
        Q request,
        ActionListener<R> listener,
        ActionFilterChain<Q, R> chain
    ) {
        TaskId id = new TaskId(nodes.get().getLocalNodeId(), task.getId());
        known.add(id);
        ActionListener<R> forgetting = ActionListener.runBefore(listener, () -> known.remove(id));
        try {
            chain.proceed(task, action, request, forgetting);
        } catch (RuntimeException refused) {
            known.remove(id);
            throw refused;
        }
    }

    private <Q extends ActionRequest, R extends ActionResponse> void proceedMarked(
        String mark,
        Task task,
        String action,
        Q request,
        ActionListener<R> listener,
        ActionFilterChain<Q, R> chain
    ) {
        ThreadContext.StoredContext before = threadContext.newStoredContext(true);
        try {
            if (threadContext.getTransient(mark) == null) {
                threadContext.putTransient(mark, true);
            }
            chain.proceed(task, action, request, listener);
        } finally {
            before.restore();
        }
    }

    /** It came over the wire, and not from a node of this cluster on behalf of a task of its own. */
    private boolean isFromOtherCluster(SearchRequest search, Task task) {
        return search.remoteAddress() != null && nodes.get().nodeExists(task.getParentTaskId().getNodeId()) == false;
    }

    /** Whether OpenSearch makes a search for each of its hits. */
    public static boolean hasInnerHits(SearchSourceBuilder search) {
        CollapseBuilder collapse = search == null ? null : search.collapse();
        return collapse != null && collapse.getInnerHits().isEmpty() == false;
    }
}
